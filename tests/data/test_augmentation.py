import random
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.data.augmentation import alter, with_stranger, without_accents, without_last_punctuation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


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
