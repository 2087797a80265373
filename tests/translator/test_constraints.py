"""Words that a translation begins with, holds and does not hold, as runs of subwords."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.config import TokenizerConfig
from nmt.errors import SearchError
from nmt.search.constraints import Constraints
from nmt.text.tokenizer import UNK, Tokenizer, train_tokenizer
from nmt.translator.constraints import MOST_SPELLINGS, ConstraintEncoder, TextConstraints
from nmt.translator.glossary import Glossary

WORDS = "the student sees a cat and a black dog . don't cats students"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "joint.model"
    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(WORDS.split(), 6)) for _ in range(200)]
    return train_tokenizer(texts, TokenizerConfig(vocabulary_size=310), path)


def ids(tokenizer: Tokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode(text))


def test_every_spelling_is_found_the_shortest_first(tokenizer: Tokenizer) -> None:
    pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
    by_piece = {piece: token for token, piece in enumerate(pieces) if token > UNK}
    for word in ("cat", "a cat", "dogs"):
        text = "▁" + word.replace(" ", "▁")
        # cut or not between any two letters
        every = []
        for cuts in product([False, True], repeat=len(text) - 1):
            parts = [text[0]]
            for character, is_cut in zip(text[1:], cuts, strict=True):
                if is_cut:
                    parts.append(character)
                else:
                    parts[-1] += character
            if all(part in by_piece for part in parts):
                every.append(tuple(by_piece[part] for part in parts))
        found = tokenizer.spellings(word, 10_000)
        assert sorted(found) == sorted(every)
        assert [len(spelling) for spelling in found] == sorted(map(len, every))
        assert tokenizer.spellings(word, 2) == found[:2]
    assert tokenizer.spellings("", 5) == []
    assert tokenizer.spellings("我", 5) == []


@settings(max_examples=50)
@given(st.text(st.sampled_from("catsdog "), min_size=1, max_size=8))
def test_a_spelling_spells_the_text(tokenizer: Tokenizer, text: str) -> None:
    for spelling in tokenizer.spellings(text, 50):
        assert tokenizer.decode(spelling) == " ".join(text.split())


def test_letters_and_bytes_go_on_with_a_word(tokenizer: Tokenizer) -> None:
    goes_on = {
        piece: bool(goes)
        for piece, goes in zip(
            tokenizer.pieces(range(tokenizer.vocabulary_size)), tokenizer.goes_on, strict=True
        )
    }
    assert goes_on["s"] and goes_on["<0xC3>"]
    assert not (
        goes_on["▁cat"] or goes_on["▁"] or goes_on["'"] or goes_on["</s>"] or goes_on["<s>"]
    )


def test_words_become_the_subwords_of_running_text(tokenizer: Tokenizer) -> None:
    wanted = TextConstraints("  the cat ", ("black  dog", "cat", "cat"), ("students",))
    [found] = ConstraintEncoder(tokenizer).of_parts(["x"], wanted)
    assert found.prefix == ids(tokenizer, "the cat")
    assert sorted(found.required) == sorted(
        [ids(tokenizer, "black dog"), ids(tokenizer, "cat"), ids(tokenizer, "cat")]
    )
    assert found.forbidden == tuple(tokenizer.spellings("students", MOST_SPELLINGS))
    assert found.forbidden[0] == ids(tokenizer, "students")
    assert len(found.forbidden) > 3


def test_what_the_glossary_finds_is_required_of_its_part(tokenizer: Tokenizer) -> None:
    encoder = ConstraintEncoder(tokenizer, Glossary.of({"chat": "cat", "chien": "dog"}))
    parts = ["Un chat, un chat.", "Un chien.", "Rien."]
    first, second, third = encoder.of_parts(parts, TextConstraints("the", (), ("black",)))
    assert first.required == (ids(tokenizer, "cat"),) * 2
    assert second.required == (ids(tokenizer, "dog"),)
    assert third.required == ()
    assert first.prefix == ids(tokenizer, "the")
    assert second.prefix == third.prefix == ()
    assert first.forbidden == second.forbidden != ()
    assert encoder.of_parts(["Rien"], TextConstraints()) == [Constraints()]


def test_punctuation_is_forbidden_behind_words_too(tokenizer: Tokenizer) -> None:
    [found] = ConstraintEncoder(tokenizer).of_parts(["x"], TextConstraints(forbidden=(".",)))
    pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
    holding = {token for token, piece in enumerate(pieces) if "." in piece}
    assert {run[0] for run in found.forbidden if len(run) == 1} == holding


def test_what_is_asked_for_twice_over_is_needed_once(tokenizer: Tokenizer) -> None:
    encoder = ConstraintEncoder(tokenizer, Glossary.of({"chat": "cat"}))
    [found] = encoder.of_parts(["Un chat"], TextConstraints(required=("cat", "dog")))
    assert sorted(found.required) == sorted([ids(tokenizer, "cat"), ids(tokenizer, "dog")])


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (TextConstraints(required=("black cat",), forbidden=("cat",)), "'black cat' is to be in"),
        (TextConstraints("the cat", forbidden=("cat",)), "'the cat' is to be in"),
        (TextConstraints(forbidden=("dog",)), "'dog' is to be in"),  # by the glossary
        (TextConstraints(required=(" ",)), "a required word is empty"),
        (TextConstraints(forbidden=("",)), "a forbidden word is empty"),
        (TextConstraints("a\0b"), "NUL"),
        (TextConstraints(required=("\ud800",)), "lone surrogate"),
    ],
)
def test_what_cannot_be_is_refused(
    tokenizer: Tokenizer, wanted: TextConstraints, problem: str
) -> None:
    encoder = ConstraintEncoder(tokenizer, Glossary.of({"chien": "dog"}))
    with pytest.raises(SearchError, match=problem):
        encoder.of_parts(["Un chien"], wanted)
    # "students" is another word than "student".
    encoder.of_parts(["x"], TextConstraints("the students", forbidden=("student",)))


def test_a_word_cannot_be_required_of_a_text_in_parts(tokenizer: Tokenizer) -> None:
    encoder = ConstraintEncoder(tokenizer)
    with pytest.raises(SearchError, match=r"'Un chat'.* in 2 parts; in which of them 'cat'"):
        encoder.of_parts(["Un chat", "Un chien"], TextConstraints(required=("cat",)))
