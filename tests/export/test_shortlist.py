"""Shortlists: IBM Model 1 against its definition, and what is in reach of a sentence."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data import ibm1 as lexical
from nmt.data.ibm1 import rows_to_learn_from, translation_table
from nmt.export import shortlist as lexicon_module
from nmt.export.shortlist import Everything, Lexicon, learn_lexicon

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SOURCES, TARGETS = 14, 12
Ids = Sequence[np.ndarray]


def ids(*sentences: Sequence[int]) -> list[np.ndarray]:
    return [np.array(sentence, np.uint16) for sentence in sentences]


def random_pairs(pairs: int, seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Targets that are their sources word by word, with some others between."""
    random = np.random.default_rng(seed)
    sources = [random.integers(4, SOURCES, n) for n in random.integers(0, 6, pairs)]
    targets = [
        np.concatenate([(source - 4) % 8 + 4, random.integers(4, TARGETS, random.integers(0, 3))])
        for source in sources
    ]
    return sources, targets


def model_1(sources: Ids, targets: Ids, iterations: int) -> dict[tuple[int, int], float]:
    """Brown et al. 1993, section 4, as in a textbook; EOS is the empty word of the source.

    Gives the probability t(target | source) by (source, target).
    """
    pairs = [([*map(int, s), EOS], [*map(int, t)]) for s, t in zip(sources, targets, strict=True)]
    t: dict[tuple[int, int], float] = {(e, f): 1.0 for s, fs in pairs for e in s for f in fs}
    for _ in range(iterations):
        count: dict[tuple[int, int], float] = defaultdict(float)
        total: dict[int, float] = defaultdict(float)
        for source, target in pairs:
            for f in target:
                normaliser = sum(t[e, f] for e in source)
                for e in source:
                    count[e, f] += t[e, f] / normaliser
                    total[e] += t[e, f] / normaliser
        t = {(e, f): count[e, f] / total[e] for e, f in t}
    return t


def table_of(sources: Ids, targets: Ids) -> dict[tuple[int, int], float]:
    found = translation_table(sources, targets, (SOURCES, TARGETS), EOS)
    pairs = list(zip(found[0].tolist(), found[1].tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    return dict(zip(pairs, found[2].tolist(), strict=True))


@settings(max_examples=40)
@given(
    corpus=st.lists(
        st.tuples(
            st.lists(st.integers(3, SOURCES - 1), max_size=5),
            st.lists(st.integers(3, TARGETS - 1), max_size=5),
        ),
        max_size=8,
    )
)
def test_translations_are_as_likely_as_ibm_model_1_has_them(
    corpus: list[tuple[list[int], list[int]]],
) -> None:
    sources, targets = ids(*(s for s, _ in corpus)), ids(*(t for _, t in corpus))
    expected = model_1(sources, targets, 5)
    found = table_of(sources, targets)
    assert found.keys() == expected.keys()
    for pair, probability in expected.items():
        assert found[pair] == pytest.approx(probability, abs=1e-5)


def test_the_probabilities_of_a_source_token_sum_to_one() -> None:
    source, _, probability = translation_table(*random_pairs(50), (SOURCES, TARGETS), EOS)
    for token in set(source.tolist()):
        assert probability[source == token].sum() == pytest.approx(1.0, abs=1e-5)


def test_words_that_occur_together_translate_each_other() -> None:
    """The textbook case: the house = das Haus, the book = das Buch, a book = ein Buch."""
    the, house, book, a = 4, 5, 6, 7
    das, haus, buch, ein = 4, 5, 6, 7
    sources, targets = (
        ids([the, house], [the, book], [a, book]),
        ids([das, haus], [das, buch], [ein, buch]),
    )
    found = table_of(sources, targets)
    for source, target in ((the, das), (house, haus), (book, buch), (a, ein)):
        assert found[source, target] == max(p for (e, _), p in found.items() if e == source)


def test_the_likeliest_translations_are_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "TRANSLATIONS", 3)
    monkeypatch.setattr(lexicon_module, "COMMON", 4)
    sources, targets = random_pairs(60)
    learned = learn_lexicon(sources, targets, (SOURCES, TARGETS), is_joint=False)
    table = table_of(sources, targets)
    assert learned.translations.shape == (SOURCES, 3)
    for token in range(SOURCES):
        mine = {target: p for (source, target), p in table.items() if source == token}
        best = sorted(mine, key=lambda target: -mine[target])[:3]
        assert learned.translations[token].tolist() == [*best, *[EOS] * (3 - len(best))]
    assert learned.translations[PAD].tolist() == [EOS] * 3
    counts = np.bincount(np.concatenate(targets), minlength=TARGETS)
    assert counts[learned.common].tolist() == sorted(counts, reverse=True)[:4]
    assert not learned.is_joint
    assert learned.vocabulary_size == TARGETS


def test_unlikely_translations_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_module, "LEAST_LIKELY", 0.2)
    sources, targets = random_pairs(60)
    learned = learn_lexicon(sources, targets, (SOURCES, TARGETS), is_joint=False)
    for token in range(SOURCES):
        likely = {
            target
            for (source, target), p in table_of(sources, targets).items()
            if source == token and p >= 0.2
        }
        assert len(likely) < 6
        assert set(learned.translations[token].tolist()) - {EOS} == likely


def test_a_vocabulary_of_any_size_is_learned() -> None:
    """The tokens of a large one do not fit into 16 bits."""
    last = 70_000
    sources, targets = [np.array([4])], [np.array([last])]
    learned = learn_lexicon(sources, targets, (6, last + 1), is_joint=False)
    assert learned.translations[4, 0] == last
    assert last in learned.common
    small = learn_lexicon(sources, ids([65_535]), (6, 1 << 16), is_joint=False)
    assert small.translations.dtype == np.uint16
    assert small.translations[4, 0] == 65_535


def test_nothing_to_learn_from_is_no_error() -> None:
    learned = learn_lexicon([], [], (SOURCES, TARGETS), is_joint=False)
    assert (learned.translations == EOS).all()
    learned = learn_lexicon(ids([4]), ids([]), (SOURCES, TARGETS), is_joint=False)
    assert (learned.translations == EOS).all()


def small_lexicon(is_joint: bool = False) -> Lexicon:
    """The source tokens 4 to 8 become 10 more, 9 what is never produced, EOS 4; 11 is common."""
    translations = np.full((10, 2), EOS, np.uint16)
    translations[4:9, 0] = np.arange(14, 19)
    translations[9] = [UNK, BOS]
    translations[EOS] = 4
    return Lexicon(translations, np.array([11, PAD, UNK], np.uint16), 20, is_joint)


def reach(
    lexicon: Lexicon, *sources: list[int], needed: Sequence[Sequence[int]] = ()
) -> list[list[int]]:
    """The target tokens in reach of each sentence."""
    lengths = np.array([len(source) + 1 for source in sources])
    padded = np.full((len(sources), lengths.max()), PAD)
    for line, source in enumerate(sources):
        padded[line, : len(source) + 1] = [*source, EOS]
    tokens, allowed = lexicon.of(padded, lengths, needed)
    assert allowed.shape == (len(sources), 1, len(tokens))
    assert allowed.dtype == np.float32
    assert set(np.unique(allowed)) <= {0.0, -np.inf}
    assert (np.diff(tokens) > 0).all()
    assert np.isfinite(allowed).any(axis=0).all(), "in reach of no sentence"
    return [tokens[np.isfinite(line[0])].tolist() for line in allowed]


def test_a_sentence_reaches_its_translations_the_common_tokens_and_its_end() -> None:
    assert reach(small_lexicon(), [5, 7]) == [[EOS, 4, 11, 15, 17]]


def test_a_sentence_reaches_its_own_tokens_where_both_sides_share_them() -> None:
    assert reach(small_lexicon(is_joint=True), [5, 7]) == [[EOS, 4, 5, 7, 11, 15, 17]]


def test_padding_beginnings_and_unknowns_are_out_of_reach() -> None:
    sources = [[9, UNK, BOS], [5, 6, 7, 8]]
    found = reach(small_lexicon(is_joint=True), *sources, needed=[[PAD, UNK], [BOS]])
    assert found == [[EOS, 4, 9, 11], [EOS, 4, 5, 6, 7, 8, 11, 15, 16, 17, 18]]


def test_what_is_needed_is_in_reach_of_the_sentence_that_needs_it() -> None:
    found = reach(small_lexicon(), [5], [6], [], needed=[(12, 13), (), {19}])
    assert found == [[EOS, 4, 11, 12, 13, 15], [EOS, 4, 11, 16], [EOS, 4, 11, 19]]


@settings(max_examples=30)
@given(
    sources=st.lists(st.lists(st.integers(3, 9), max_size=6), min_size=1, max_size=6),
    is_joint=st.booleans(),
)
def test_what_a_sentence_reaches_does_not_depend_on_its_neighbours(
    sources: list[list[int]], is_joint: bool
) -> None:
    lexicon = small_lexicon(is_joint)
    alone = [reach(lexicon, source)[0] for source in sources]
    assert reach(lexicon, *sources) == alone


def test_everything_is_all_but_what_is_never_produced() -> None:
    tokens, allowed = Everything(8).of(np.zeros((3, 2), int), np.ones(3, int))
    assert tokens.tolist() == [EOS, 4, 5, 6, 7]
    assert allowed.tolist() == [[[0.0] * 5]]


def test_a_large_corpus_is_learned_from_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    source, target = random.integers(1, 40, (2, 1000)).astype(np.int32)
    links = int((source * target).sum())
    monkeypatch.setattr(lexical, "MOST_LINKS", links)
    assert rows_to_learn_from(source, target).tolist() == list(range(1000))
    monkeypatch.setattr(lexical, "MOST_LINKS", links // 4)
    rows = rows_to_learn_from(source, target)
    assert rows.tolist() == list(range(0, 1000, 5)), "a quarter is a link too many"
    assert (source * target)[rows].sum() < links / 4
    # more links than fit into the integers that lengths are kept in
    monkeypatch.setattr(lexical, "MOST_LINKS", 10**11)
    lengths = np.full(300, 50_000, np.int32)
    assert len(rows_to_learn_from(lengths, lengths)) == 38  # every 8th: 300 x 50,000^2 / 10^11
    nothing = np.zeros(0, np.int32)
    assert rows_to_learn_from(nothing, nothing).tolist() == []
