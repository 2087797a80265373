"""Fragments: consistent phrase pairs against their definition, and words that belong together."""

import random
from itertools import combinations
from pathlib import Path

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.augmentation import Alterations
from nmt.data.phrases import LENGTHS, Span, WordTable, consistent_spans, fragment, words_of

WORDS = {"le": "the", "un": "a", "chien": "dog", "chat": "cat", "noir": "black", "dort": "sleeps"}


def sentences(count: int) -> list[tuple[str, str]]:
    """Sentences in an order of their own on either side, the adjective after the noun in one."""
    draw = random.Random(1)
    found = []
    for _ in range(count):
        article, noun = draw.choice(["le", "un"]), draw.choice(["chien", "chat"])
        source, target = [article, noun], [WORDS[article], WORDS[noun]]
        if draw.random() < 0.5:
            source, target = [*source, "noir"], [target[0], "black", target[1]]
        if draw.random() < 0.5:
            source, target = [*source, "dort"], [*target, "sleeps"]
        found.append((" ".join(source).capitalize() + ".", " ".join(target).capitalize() + "."))
    return found


@pytest.fixture(scope="module")
def table() -> WordTable:
    return WordTable.learn(sentences(300))


@given(st.permutations(range(7)), st.sets(st.integers(0, 6)))
def test_spans_are_the_consistent_ones_of_aligned_words_alone(
    order: list[int], unaligned: set[int]
) -> None:
    """Och and Ney 2004, equation 7: no link from inside to outside, on either side."""
    aligned = {i: j for i, j in enumerate(order) if i not in unaligned}
    expected = set()
    for first, last in [*combinations(range(7), 2), *((i, i) for i in range(7))]:
        for low, high in [*combinations(range(7), 2), *((j, j) for j in range(7))]:
            inside = {i for i in aligned if first <= i <= last}
            consistent = all((i in inside) == (low <= j <= high) for i, j in aligned.items())
            all_aligned = len(inside) == last - first + 1 and set(range(low, high + 1)) <= set(
                aligned.values()
            )
            if consistent and all_aligned and last - first < max(LENGTHS):
                expected.add(Span((first, last), (low, high)))
    assert set(consistent_spans(aligned)) == expected


def test_words_are_aligned_across_a_change_of_order(table: WordTable) -> None:
    source, target = words_of("Le chien noir dort."), words_of("The black dog sleeps.")
    assert table.align(source, target) == {0: 0, 1: 2, 2: 1, 3: 3, 4: 4}


def test_of_two_alike_the_nearer_is_aligned() -> None:
    table = WordTable({("chien", "dog"): 0.5})
    assert table.align(["chien", "x", "y", "chien"], ["dog", "a", "b", "dog"]) == {0: 0, 3: 3}
    assert table.align(["chien", "x"], ["a", "b", "c", "dog"]) == {0: 3}


def test_only_the_best_of_both_is_aligned() -> None:
    table = WordTable({("a", "x"): 0.9, ("a", "y"): 0.5, ("b", "x"): 0.6})
    assert table.align(["a", "b"], ["x", "y"]) == {0: 0}


def test_fragments_translate_each_other(table: WordTable) -> None:
    draw = random.Random(3)
    seen = set()
    for source, target in sentences(200):
        found = fragment(source, target, table, draw)
        assert found is not None
        part, translation = (text.rstrip(".").lower() for text in found)
        assert part in source.lower()
        assert translation in target.lower()
        assert sorted(WORDS[word] for word in part.split()) == sorted(translation.split())
        seen.add(len(part.split()))
    assert seen == {1, 2, 3, 4}


def test_the_capital_of_a_sentence_is_not_taken_along_unless_both_have_it() -> None:
    table = WordTable({("hier", "yesterday"): 1.0, ("je", "i"): 1.0, ("dors", "slept"): 1.0})
    draw = random.Random(1)
    found = {fragment("Hier je dors", "I slept yesterday", table, draw) for _ in range(300)}
    assert ("hier", "yesterday") in found
    assert ("Hier", "Yesterday") in found
    assert ("je", "I") in found
    assert not {("Hier", "yesterday"), ("je", "i"), ("hier", "Yesterday")} & found


def test_no_fragment_ends_inside_a_word_or_with_a_mark() -> None:
    table = WordTable({("l'", "the"): 1.0, ("ami", "friend"): 1.0, (",", ","): 1.0})
    draw = random.Random(1)
    found = {fragment("l'ami ,", "the friend ,", table, draw) for _ in range(100)}
    texts = {(source.rstrip(".").lower(), target.rstrip(".").lower()) for source, target in found}  # type: ignore[misc]
    assert texts == {("ami", "friend"), ("l'ami", "the friend")}


def test_without_words_that_are_sure_there_is_none(table: WordTable) -> None:
    assert fragment("Quelque chose.", "Something else!", table, random.Random(1)) is None
    assert fragment("", "", table, random.Random(1)) is None


def test_a_table_is_learned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: WordTable
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    pairs = sentences(300)
    dataset = Dataset.from_dict({"source": [s for s, _ in pairs], "target": [t for _, t in pairs]})
    learned = WordTable.of(dataset, "one")
    monkeypatch.setattr(WordTable, "learn", lambda pairs: pytest.fail("learned again"))
    again = WordTable.of(dataset, "one")
    words = words_of("un chat noir."), words_of("a black cat.")
    assert again.align(*words) == learned.align(*words) == table.align(*words)


def test_alterations_are_shared_out_as_asked(table: WordTable) -> None:
    alterations = Alterations(noise=0.2, fragments=0.6, table=table)
    assert alterations.share == pytest.approx(0.8)
    draw = random.Random(1)
    source, target = "Un chien noir dort et chante.", "A black dog sleeps and sings."
    whole = sum(alterations.apply(source, target, draw)[1] == target for _ in range(2000))
    # noise keeps this target; a fragment never has its last words, which are not in the table
    assert whole == pytest.approx(500, abs=60)
