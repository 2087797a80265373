"""Word alignments from attention between subwords."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.search.alignment import Alignment, Unit, align_units, join, units, word_numbers
from nmt.text.normalise import normalise
from nmt.text.tokenizer import UNK, Tokenizer, train_tokenizer

VOCABULARY = 330
_WORDS = "the student l'ami un chat don't sees, reads. good! (un chat)"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "joint.model"
    words = [
        "the",
        "student",
        "l'ami",
        "un",
        "chat",
        "don't",
        "sees,",
        "reads.",
        "good!",
        "(un",
        "chat)",
    ]
    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(words, 6)) for _ in range(200)]
    return train_tokenizer(texts, TokenizerConfig(vocabulary_size=VOCABULARY), path)


def spelt(of: list[Unit]) -> str:
    return "".join(" " * unit.opens_word + unit.text for unit in of).strip()


def test_punctuation_is_apart_from_words(tokenizer: Tokenizer) -> None:
    found = units(tokenizer, tokenizer.encode("the student, l'ami!! (un chat)"))
    assert [(unit.text, unit.opens_word) for unit in found] == [
        ("the", True),
        ("student", True),
        (",", False),
        ("l", True),
        ("'", False),
        ("ami", False),
        ("!!", False),
        ("(", True),
        ("un", False),
        ("chat", True),
        (")", False),
    ]
    assert word_numbers(found) == [0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4]


@settings(max_examples=200)
@given(st.text(st.sampled_from("the schato'.,!é▁ 我\u0301"), max_size=30))
def test_the_units_of_a_text_spell_it_and_count_its_words(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    found = units(tokenizer, ids)
    assert spelt(found) == normalise(text)
    assert sorted(set(word_numbers(found))) == list(range(len(normalise(text).split())))
    firsts = [unit.first_piece for unit in found]
    assert firsts == sorted(set(firsts))
    assert firsts[:1] == [0][: len(firsts)]


@settings(max_examples=200)
@given(st.lists(st.integers(UNK + 1, VOCABULARY - 1), max_size=12))
def test_any_subwords_at_all_have_units_with_numbers_of_words(
    tokenizer: Tokenizer, ids: list[int]
) -> None:
    found = units(tokenizer, ids)
    words = tokenizer.decode(ids).split()
    numbers = word_numbers(found)
    assert numbers == sorted(numbers)
    assert all(0 <= number < len(words) for number in numbers)
    assert bool(found) == bool(words)


def test_attention_is_summed_into_words_and_the_most_of_it_decides() -> None:
    # le chat, dort -> the cat, sleeps; "chat" and "sleeps" are two subwords each
    source = [
        Unit("le", True, 0),
        Unit("chat", True, 1),
        Unit(",", False, 3),
        Unit("dort", True, 4),
    ]
    target = [
        Unit("the", True, 0),
        Unit("cat", True, 1),
        Unit(",", False, 2),
        Unit("sleeps", True, 3),
    ]
    attention = np.array(
        [
            [0.5, 0.1, 0.1, 0.1, 0.2],
            # most of all for "dort", but less than for the two halves of "chat" together
            [0.1, 0.25, 0.2, 0.05, 0.4],
            [0.3, 0.1, 0.1, 0.25, 0.25],
            [0.3, 0.1, 0.1, 0.2, 0.3],
            [0.1, 0.1, 0.1, 0.1, 0.6],
        ],
        dtype=np.float32,
    )
    found = align_units(source, target, attention)
    np.testing.assert_allclose(
        found.weights,
        [
            [0.5, 0.2, 0.1, 0.2],
            [0.1, 0.45, 0.05, 0.4],
            [0.3, 0.2, 0.25, 0.25],
            [0.4, 0.4, 0.3, 0.9],
        ],
        atol=1e-6,
    )
    # With its comma "cat," got 0.4 from "le", 0.95 from "chat," and 0.65 from "dort".
    assert found.pairs == ((0, 0), (1, 1), (2, 2))
    assert str(found) == "0-0 1-1 2-2"


def test_words_may_cross_and_share_a_source_word() -> None:
    source = [Unit("chat", True, 0), Unit("noir", True, 1)]
    target = [Unit("a", True, 0), Unit("black", True, 1), Unit("cat", True, 2)]
    attention = np.array([[0.6, 0.4], [0.1, 0.9], [0.8, 0.2]], dtype=np.float32)
    assert str(align_units(source, target, attention)) == "0-0 1-1 0-2"


def test_nothing_is_aligned_with_nothing() -> None:
    one = [Unit("a", True, 0)]
    for source, target in (([], []), (one, []), ([], one)):
        empty = np.zeros((len(target), len(source)), dtype=np.float32)
        assert align_units(source, target, empty).pairs == ()


def test_parts_are_joined_with_the_numbers_of_the_whole() -> None:
    first = align_units(
        [Unit("le", True, 0)], [Unit("the", True, 0)], np.ones((1, 1), dtype=np.float32)
    )
    halves = [Unit("cha", True, 0), Unit("t", True, 1)]
    swapped = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    second = align_units(halves, [Unit("x", True, 0), Unit("y", True, 1)], swapped)
    assert str(join([first, second])) == "0-0 2-1 1-2"
    # A part that goes on in the middle of a word counts with that word.
    rest = align_units(
        [Unit("tte", False, 0)], [Unit("z", True, 0)], np.ones((1, 1), dtype=np.float32)
    )
    assert str(join([first, rest])) == "0-0 0-1"
    assert join([]) == Alignment((), (), np.zeros((0, 0), dtype=np.float32), ())


def test_subwords_of_a_script_without_spaces_are_units(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    words = ["我", "是", "学生", "今天", "不", "的"]
    texts = ["".join(random.choice(words, 6)) + "。" for _ in range(200)]
    config = TokenizerConfig(vocabulary_size=300)
    tokenizer = train_tokenizer(texts, config, tmp_path / "joint.model")
    ids = tokenizer.encode("我是学生。")
    found = units(tokenizer, ids)
    assert "".join(unit.text for unit in found) == "我是学生。"
    # all the subwords that spell anything, for the sign of the space alone spells nothing
    assert len(found) == sum(piece != "▁" for piece in tokenizer.pieces(ids)) >= 3
    assert set(word_numbers(found)) == {0}, "Pharaoh's words are what spaces separate"


def test_shares_are_the_looks_of_a_unit_on_the_average_of_its_subwords() -> None:
    source = [Unit("le", True, 0), Unit("chat", True, 1)]
    target = [Unit("the", True, 0), Unit("cat", True, 1)]
    attention = np.array([[0.7, 0.1, 0.2], [0.2, 0.4, 0.4], [0.0, 0.5, 0.1]], dtype=np.float32)
    first = align_units(source, target, attention)
    # "cat" has two subwords: (0.2 + 0.0) / 2, (0.8 + 0.6) / 2
    np.testing.assert_allclose(first.shares, [[0.7, 0.3], [0.1, 0.7]], atol=1e-6)
    second = align_units([Unit("oui", True, 0)], [Unit("yes", True, 0)], attention[:1, :1])
    expected = [[0.7, 0.3, 0.0], [0.1, 0.7, 0.0], [0.0, 0.0, 0.7]]
    np.testing.assert_allclose(join([first, second]).shares, expected, atol=1e-6)
    assert join([]).shares.shape == (0, 0)
