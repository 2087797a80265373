"""Altered pairs and word dropout: what changes, how often, always a function of the seed."""

import random
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.augmentation import (
    alter,
    drop_words,
    with_stranger,
    without_accents,
    without_last_punctuation,
)
from nmt.data.batches import Batch, make_batch
from nmt.text.tokenizer import BOS, EOS, PAD, UNK

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.lists(st.integers(UNK, 50), max_size=9)
PAIRS = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=8)


def shared(source: str, target: str) -> set[str]:
    return set(source.split()) & set(target.split())


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Où est l'hôtel ?", "Ou est l'hotel ?"),
        ("ÇA, c'est Noël.", "CA, c'est Noel."),
        ("Le cœur de Lætitia", "Le coeur de Laetitia"),
        ("Œuf", "Oeuf"),
        ("plain", "plain"),
        ("한국어 и й", "한국어 и и"),  # Korean syllables come apart in NFD, and have to come back
    ],
)
def test_accents_are_left_out_and_letters_kept(text: str, plain: str) -> None:
    assert without_accents(text) == plain


@given(TEXTS)
def test_text_without_accents_has_none(text: str) -> None:
    apart = unicodedata.normalize("NFD", without_accents(text))
    assert not any(unicodedata.category(character) == "Mn" for character in apart)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Où est-il ?", "Où est-il"),
        ("Oui. Non...", "Oui. Non"),
        ("Vraiment ?!", "Vraiment"),
        ("好吗\uff1f", "好吗"),
        ("à 3.5 km", "à 3.5 km"),
        ("...", "..."),
    ],
)
def test_only_the_last_punctuation_is_dropped(text: str, bare: str) -> None:
    assert without_last_punctuation(text) == bare


def test_a_stranger_takes_the_same_place_in_both_texts() -> None:
    draw = random.Random(1)
    for _ in range(50):
        source, target = with_stranger("Tom a vu Tomas.", "Tomas was seen by Tom.", draw) or (
            "",
            "",
        )
        name = source.split()[0]
        if name == "Tom":
            name = source.split()[-1].rstrip(".")
            assert (source, target) == (f"Tom a vu {name}.", f"{name} was seen by Tom.")
        else:
            assert (source, target) == (f"{name} a vu Tomas.", f"Tomas was seen by {name}.")
        assert name not in ("Tom", "Tomas")


def test_a_number_becomes_a_number() -> None:
    draw = random.Random(2)
    made = [with_stranger("Il a 30 ans.", "He is 30.", draw) for _ in range(100)]
    numbers = [source.split()[2] for source, _ in filter(None, made)]
    assert all(number.isdecimal() for number in numbers)
    assert len(set(numbers)) > 50
    assert [target for _, target in filter(None, made)] == [f"He is {n}." for n in numbers]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Il dort.", "He sleeps."),
        ("Tom et Tom", "Tom and Tom"),  # which is which cannot be known
        ("Tom dort.", "He sleeps."),
        ("un chat", "un chat"),  # no name: it may well mean something
    ],
)
def test_there_is_no_stranger_where_no_name_stands_once_in_both(source: str, target: str) -> None:
    assert with_stranger(source, target, random.Random(3)) is None


def test_every_way_is_taken_about_as_often_as_it_says() -> None:
    source, target = "Où est Tom ?", "Where is Tom?"
    draw = random.Random(4)
    seen = Counter(alter(source, target, draw) for _ in range(4000))
    assert seen["où est tom ?", target] == pytest.approx(500, abs=80)  # 1/2 * 3/4 * 1/3
    assert seen["Ou est Tom ?", target] == pytest.approx(500, abs=80)
    assert seen["Où est Tom", target] == pytest.approx(500, abs=80)
    assert seen["ou est tom", target] == pytest.approx(500, abs=80)  # 1/2 * 1/4
    strangers = [pair for pair in seen if "Tom" not in pair[0] and pair[1] != target]
    assert sum(seen[pair] for pair in strangers) == pytest.approx(2000, abs=150)


@given(TEXTS, TEXTS, st.integers(0, 1000))
def test_altering_is_a_function_of_its_seed_and_leaves_no_side_empty(
    source: str, target: str, seed: int
) -> None:
    pair = alter(source, target, random.Random(seed))
    assert pair == alter(source, target, random.Random(seed))
    assert [bool(side.strip()) for side in pair] == [
        bool(side.strip()) for side in (source, target)
    ]


def batch_of(pairs: list[tuple[list[int], list[int]]]) -> Batch:
    sources, targets = zip(*pairs, strict=True)
    return make_batch([np.array(ids, int) for ids in sources], [np.array(ids) for ids in targets])


def long_batch() -> Batch:
    random = np.random.default_rng(1)
    lengths = random.integers(50, 150, (64, 2))
    return make_batch(*([random.integers(4, 50, n) for n in side] for side in lengths.T))


def is_special(tokens: np.ndarray) -> np.ndarray:
    return (tokens == PAD) | (tokens == BOS) | (tokens == EOS)


@given(PAIRS, st.floats(0.0, 0.99), st.integers(0, 2**63 - 1))
def test_only_subwords_that_are_read_are_replaced_and_only_with_unk(
    pairs: list[tuple[list[int], list[int]]], share: float, seed: int
) -> None:
    whole = batch_of(pairs)
    before = [array.copy() for array in whole]
    dropped = drop_words(whole, share, seed)
    for array, copy in zip(whole, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(dropped.source_lengths, whole.source_lengths)
    np.testing.assert_array_equal(dropped.target_out, whole.target_out)
    for name in ("source", "target_in"):
        tokens, now = getattr(whole, name), getattr(dropped, name)
        assert now.dtype == np.int64
        np.testing.assert_array_equal(is_special(now), is_special(tokens))
        changed = now != tokens
        assert (now[changed] == UNK).all()


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("side", ["source", "target_in"])
def test_the_share_asked_for_is_dropped_of_each_side(share: float, side: str) -> None:
    whole = long_batch()
    tokens = getattr(whole, side)
    now = getattr(drop_words(whole, share, 3), side)
    words = ~is_special(tokens)
    # some 6,000 subwords: four standard deviations
    margin = 4 * (share * (1 - share) / words.sum()) ** 0.5
    assert (now[words] == UNK).mean() == pytest.approx(share, abs=margin)
    # anywhere in a sentence, and not at the same places in all of them
    assert (now == UNK).any(axis=1).mean() > 0.9
    assert (now == UNK).any(axis=0)[1:50].mean() > 0.9


def test_a_share_of_0_is_the_batch_itself() -> None:
    whole = long_batch()
    assert drop_words(whole, 0.0, 1) is whole


def test_what_is_dropped_is_a_function_of_the_seed_and_of_nothing_else() -> None:
    whole = long_batch()
    first = drop_words(whole, 0.2, 5)
    np.random.default_rng(5).random(99)
    again, other = drop_words(whole, 0.2, 5), drop_words(whole, 0.2, 6)
    for name in ("source", "target_in"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
        assert (getattr(other, name) != getattr(first, name)).any()


def test_the_two_sides_lose_words_at_places_of_their_own() -> None:
    ids = np.full(100, 7)
    dropped = drop_words(make_batch([ids] * 8, [ids] * 8), 0.5, 1)
    # the decoder reads the same with BOS in front, the source has EOS behind
    assert ((dropped.source[:, :-1] == UNK) != (dropped.target_in[:, 1:] == UNK)).mean() > 0.4
