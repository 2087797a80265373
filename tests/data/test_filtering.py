import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import CorpusConfig, PairsConfig
from nmt.data import filtering as checks
from nmt.data.bitext import content_of
from nmt.data.filtering import load_corpus
from nmt.data.mixture import Portion
from nmt.errors import CorpusError

Pairs = list[tuple[str, str]]


def write(folder: Path, **splits: Pairs) -> CorpusConfig:
    for name, pairs in splits.items():
        for side, place in (("fr", 0), ("en", 1)):
            lines = "".join(pair[place] + "\n" for pair in pairs)
            (folder / f"{name}.{side}").write_text(lines)
    return CorpusConfig(path=str(folder), test="test" if "test" in splits else "")


def pairs_of(split: object) -> Pairs:
    return [(row["source"], row["target"]) for row in split]  # type: ignore[attr-defined]


TRAIN = [
    ("un", "one"),
    ("", "two"),
    ("trois", ""),
    ("x" * 30, "y" * 31),
    ("quatre " * 10, "four"),
    ("dev", "DEV"),
    ("un", "one"),
    ("test", "TEST"),
    ("un", "ONE"),
    ("oui", "Yes, of course I do"),  # badly proportioned, but short
    ("un", "one"),
    ("dev", "DEV"),
]
DEV = [("dev", "DEV"), ("", "empty"), ("neuf", "nine")]
TEST = [("dix", "ten"), ("test", "TEST"), ("test", "TEST")]


def test_what_would_teach_nothing_is_left_out_and_reported(tmp_path: Path) -> None:
    config = write(tmp_path, train=[*TRAIN, ("z" * 70, "z" * 70)], dev=DEV, test=TEST)
    corpus = load_corpus(config.model_copy(update={"max_characters": 69, "max_ratio": 5.0}))

    assert pairs_of(corpus.train) == [
        ("un", "one"),
        ("x" * 30, "y" * 31),
        ("un", "ONE"),
        ("oui", "Yes, of course I do"),
    ]
    assert corpus.report.lines() == [
        "train: 13 pairs, 4 kept",
        "  2 with an empty side (first: pair 2), left out",
        "  1 with a side over 69 characters (first: pair 13), left out",
        "  1 with one side over 5 times as long as the other (first: pair 5), left out",
        "  3 also in dev or test (first: pair 6), left out",
        "  2 that occurred before (first: pair 7), left out",
        "dev: 3 pairs",
        "  1 with an empty side (first: pair 2), kept",
        "  1 also in train (first: pair 1), kept",
        "test: 3 pairs",
        "  2 also in train (first: pair 2), kept",
    ]
    assert corpus.report.as_dict()["train"]["findings"][0] == {
        "reason": "with an empty side",
        "pairs": 2,
        "first": 2,
        "left_out": True,
    }


def test_dev_and_test_keep_every_pair(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path, train=TRAIN, dev=DEV, test=TEST))
    assert pairs_of(corpus.dev) == DEV
    assert pairs_of(corpus.test) == TEST


def test_what_may_stay_is_counted_all_the_same(tmp_path: Path) -> None:
    config = write(tmp_path, train=TRAIN, dev=DEV).model_copy(
        update={"drop_duplicates": False, "drop_test_pairs": False}
    )
    corpus = load_corpus(config)
    assert len(corpus.train) == len(TRAIN) - 3
    assert corpus.test is None
    assert corpus.report.lines()[:5] == [
        "train: 12 pairs, 9 kept",
        "  2 with an empty side (first: pair 2), left out",
        "  1 with one side over 5 times as long as the other (first: pair 5), left out",
        "  2 also in dev (first: pair 6), kept",
        "  3 that occurred before (first: pair 7), kept",
    ]


def test_a_clean_corpus_is_used_as_it_is(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path, train=TRAIN[:1], dev=[("deux", "two")]))
    assert pairs_of(corpus.train) == TRAIN[:1]
    assert corpus.report.lines() == ["train: 1 pair", "dev: 1 pair"]


def test_a_second_look_gives_the_same_without_checking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, train=TRAIN, dev=DEV, test=TEST)
    first = load_corpus(config)
    monkeypatch.delattr(checks, "_build")
    second = load_corpus(config)
    assert pairs_of(second.train) == pairs_of(first.train)
    assert second.report == first.report


def test_other_limits_are_another_look(tmp_path: Path) -> None:
    config = write(tmp_path, train=TRAIN, dev=DEV, test=TEST)
    kept = len(load_corpus(config).train)
    assert len(load_corpus(config.model_copy(update={"max_ratio": 100.0})).train) == kept + 1


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    config = write(tmp_path, train=[("", "a"), ("dev", "DEV")], dev=DEV)
    with pytest.raises(
        CorpusError,
        match=re.escape("nothing of the 2 pairs of split 'train' is left to train on (1 with an "
                        "empty side, 1 also in dev)"),
    ):  # fmt: skip
        load_corpus(config)


@pytest.mark.parametrize("names", [{"dev": "train"}, {"test": "dev"}, {"dev": ""}])
def test_splits_must_be_different(tmp_path: Path, names: dict[str, str]) -> None:
    config = write(tmp_path, train=TRAIN, dev=DEV, test=TEST).model_copy(update=names)
    with pytest.raises(CorpusError, match="they must be different splits"):
        load_corpus(config)


def further(folder: Path, weight: float, pairs: Pairs) -> PairsConfig:
    folder.mkdir()
    write(folder, train=pairs)
    return PairsConfig(path=str(folder), weight=weight)


def test_further_corpora_are_checked_each_by_itself_and_learned_from_after_the_first(
    tmp_path: Path,
) -> None:
    also = {
        "phrases": further(
            tmp_path / "a", 3.0, [("un", "one"), ("", "x"), ("neuf", "nine"), ("un", "one")]
        ),
        "books": further(tmp_path / "b", 0.5, [("quatre", "four"), ("dix", "ten")]),
    }
    config = write(tmp_path, train=[("un", "one"), ("deux", "two"), ("dix", "ten")], dev=DEV)
    corpus = load_corpus(config.model_copy(update={"also": also, "weight": 2.0}))
    assert pairs_of(corpus.train) == [
        ("un", "one"),
        ("deux", "two"),
        ("dix", "ten"),
        ("un", "one"),  # what is in both is learned from in both
        ("quatre", "four"),
        ("dix", "ten"),
    ]
    assert corpus.portions == (Portion(3, 2.0), Portion(1, 3.0), Portion(2, 0.5))
    assert corpus.report.lines() == [
        "train: 3 pairs, each 2 times an epoch",
        "phrases: 4 pairs, 1 kept, each 3 times an epoch",
        "  1 with an empty side (first: pair 2), left out",
        "  1 also in dev (first: pair 3), left out",
        "  1 that occurred before (first: pair 4), left out",
        "books: 2 pairs, each 0.5 times an epoch",
        "dev: 3 pairs",
        "  1 with an empty side (first: pair 2), kept",
        "  1 also in train or phrases or books (first: pair 3), kept",
    ]


def test_a_further_corpus_follows_the_direction(tmp_path: Path) -> None:
    also = {"phrases": further(tmp_path / "a", 3.0, [("quatre", "four")])}
    config = write(tmp_path, train=[("un", "one")], dev=DEV)
    reverse = config.model_copy(update={"also": also, "source": "en", "target": "fr"})
    assert pairs_of(load_corpus(reverse).train) == [("one", "un"), ("four", "quatre")]


def test_another_weight_is_no_other_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(tmp_path, train=TRAIN, dev=DEV)
    load_corpus(config)
    monkeypatch.delattr(checks, "_build")
    corpus = load_corpus(config.model_copy(update={"weight": 2.0}))
    assert corpus.portions[0].weight == corpus.report.splits[0].weight == 2.0


@pytest.mark.parametrize(
    ("name", "pairs", "message"),
    [
        ("dev", [("un", "one")], "corpus.also.dev: a split of the corpus has this name"),
        ("x", [("", "one")], "nothing of the 1 pairs of split 'x' is left"),
    ],
)
def test_a_further_corpus_that_cannot_be_used_is_refused_by_its_name(
    tmp_path: Path, name: str, pairs: Pairs, message: str
) -> None:
    also = {name: further(tmp_path / "a", 1.0, pairs)}
    config = write(tmp_path, train=[("un", "one")], dev=DEV)
    with pytest.raises(CorpusError, match=re.escape(message)):
        load_corpus(config.model_copy(update={"also": also}))


def test_a_further_corpus_that_is_not_there_is_refused_with_its_keys(tmp_path: Path) -> None:
    config = write(tmp_path, train=[("un", "one")], dev=DEV)
    for place, message in (
        (PairsConfig(), "set corpus.also.x.path to a folder"),
        (PairsConfig(path="/nowhere"), "corpus.also.x.path: the folder '/nowhere' does"),
        (PairsConfig(path=str(tmp_path), train="y"), "set by corpus.also.x.train; to do "
         "without the further corpora, set corpus.also={}"),
    ):  # fmt: skip
        with pytest.raises(CorpusError, match=re.escape(message)):
            load_corpus(config.model_copy(update={"also": {"x": place}}))
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "train.tsv").write_text("a\tb\n1\t2\n")
    place = PairsConfig(path=str(tmp_path / "table"))
    with pytest.raises(CorpusError, match=re.escape("name it with corpus.also.x.source_column")):
        load_corpus(config.model_copy(update={"also": {"x": place}}))


texts = st.sampled_from(["", "a", "b", "c" * 15, "d" * 25, "é" * 130, "🎉" * 21])
some_pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=40)


@settings(max_examples=40)
@given(some_pairs, some_pairs, st.booleans(), st.booleans(), st.integers(1, 7))
def test_the_rules_are_those_of_a_plain_loop(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch_module: pytest.MonkeyPatch,
    train: Pairs,
    dev: Pairs,
    drop_duplicates: bool,
    drop_test_pairs: bool,
    chunk_pairs: int,
) -> None:
    counts: Counter[str] = Counter()
    kept: Pairs = []
    seen = set()
    for pair in train:
        longer, shorter = max(map(len, pair)), min(map(len, pair))
        if shorter == 0:
            counts["with an empty side"] += 1
        elif longer > 100:
            counts["with a side over 100 characters"] += 1
        elif longer > 20 and longer / shorter > 2.5:
            counts["with one side over 2.5 times as long as the other"] += 1
        else:
            is_held_out = pair in dev
            counts["also in dev"] += is_held_out
            if is_held_out and drop_test_pairs:
                continue
            counts["that occurred before"] += pair in seen
            if pair not in seen or not drop_duplicates:
                kept.append(pair)
            seen.add(pair)
    folder = tmp_path_factory.mktemp("corpus")
    monkeypatch_module.setattr(checks, "CHUNK_PAIRS", chunk_pairs)
    config = write(folder, train=train, dev=dev).model_copy(
        update={
            "max_characters": 100,
            "max_ratio": 2.5,
            "drop_duplicates": drop_duplicates,
            "drop_test_pairs": drop_test_pairs,
        }
    )
    if not kept:
        with pytest.raises(CorpusError, match="is left to train on"):
            load_corpus(config)
        return
    corpus = load_corpus(config)
    assert pairs_of(corpus.train) == kept
    findings = corpus.report.splits[0].findings
    assert {finding.reason: finding.pairs for finding in findings} == +counts


@pytest.fixture(scope="module")
def monkeypatch_module() -> object:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_the_content_of_all_training_pairs_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    also = {"phrases": further(tmp_path / "a", 3.0, [("quatre", "four"), ("", "x")])}
    config = write(tmp_path, train=TRAIN, dev=DEV).model_copy(update={"also": also})
    corpus = load_corpus(config)
    assert corpus.content == content_of(corpus.train)
    monkeypatch.delattr(checks, "content_of")
    assert load_corpus(config).content == corpus.content
    heavier = config.model_copy(update={"max_ratio": 100.0})
    monkeypatch.undo()
    assert load_corpus(heavier).content != corpus.content


hashes = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9), max_size=20)


@given(hashes, hashes)
def test_hashes_are_found_among_others(some: list[int], others: list[int]) -> None:
    found = checks.is_in(np.array(some, np.uint64), np.array(others, np.uint64))
    assert found.tolist() == [number in others for number in some]
