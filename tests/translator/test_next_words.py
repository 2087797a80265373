"""The likeliest next words, against all there are."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.config import TokenizerConfig
from nmt.search.stepper import Distribution
from nmt.text.tokenizer import EOS, UNK, Tokenizer, train_tokenizer
from nmt.translator.next_words import NextWords

SHOWN = ["▁cat", "▁dog", "▁(", "▁", "s", "t", "'", ",", "-"]
DEPTH = 3
"""Tokens after which the scripted model always begins a new word, or ends."""

Rows = tuple[tuple[int, ...], ...]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path: Path = tmp_path_factory.mktemp("tokenizer") / "joint.model"
    random = np.random.default_rng(3)
    words = ["the", "cat", "dog", "(", ",", "'", "-", "a", "s", "t"]
    texts = [" ".join(random.choice(words, 6)) + ",'-ts" for _ in range(200)]
    return train_tokenizer(texts, TokenizerConfig(vocabulary_size=300, kind="bpe"), path)


class Scripted:
    """A model with a random distribution over a few subwords after each history."""

    def __init__(self, tokenizer: Tokenizer, prefix_length: int) -> None:
        self.pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
        self.tokens = [self.pieces.index(piece) for piece in SHOWN] + [EOS]
        self.begins = prefix_length + 1  # BOS, too

    def probabilities(self, history: tuple[int, ...]) -> np.ndarray:
        values = np.zeros(len(self.pieces))
        random = np.random.default_rng([5, *history])
        values[self.tokens] = random.random(len(self.tokens)) ** 3
        is_open = [piece.startswith("▁") or t == EOS for t, piece in enumerate(self.pieces)]
        if len(history) >= self.begins + DEPTH:
            values *= is_open
        elif len(history) > self.begins and self.pieces[history[-1]] == "▁":
            values *= ~np.array(is_open)  # two spaces are none of our business
        return values / values.sum()

    def start(self, source: np.ndarray, source_lengths: np.ndarray, needed: Any = ()) -> Rows:
        assert source.tolist() == [[7, 8, EOS]]
        return ((),)

    def distribution(self, state: Rows, tokens: np.ndarray) -> tuple[Distribution, Rows]:
        rows = tuple((*row, int(token)) for row, token in zip(state, tokens, strict=True))
        with np.errstate(divide="ignore"):
            values = np.log(np.array([self.probabilities(row) for row in rows]))
        return Distribution(values.astype(np.float32)), rows

    def select(self, state: Rows, rows: np.ndarray) -> Rows:
        return tuple(state[row] for row in rows.reshape(-1))


def every_word(tokenizer: Tokenizer, model: Scripted, prefix: str) -> dict[str, float]:
    """All next words with their probabilities: read off all continuations of the text."""
    before = tokenizer.encode(prefix)

    def continuations(
        ids: tuple[int, ...], probability: float
    ) -> Iterator[tuple[tuple[int, ...], float]]:
        if len(ids) == DEPTH + 1 or (ids and ids[-1] == EOS):
            yield ids, probability
            return
        values = model.probabilities((1, *before, *ids))
        for token in np.flatnonzero(values):
            yield from continuations((*ids, int(token)), probability * values[token])

    found: dict[str, float] = defaultdict(float)
    for ids, probability in continuations((), 1.0):
        text = tokenizer.decode([*before, *ids])
        rest = text[len(prefix.rstrip()) :]
        if prefix.endswith(" ") and rest and not rest.startswith(" "):
            continue
        match = re.match(r"[\w'-]+|[^\w\s'-]+|", rest.lstrip())
        assert match
        word = match[0]
        if re.search(r"[\w'-]$", prefix) and re.match(r"[\w'-]", rest):
            word = prefix.split()[-1] + word
        found[word] += probability
    total = sum(found.values())
    return {word: probability / total for word, probability in found.items()}


@pytest.mark.parametrize("prefix", ["", "the cat", "the cat ", "cat,", "the cat'", "cat, "])
def test_all_words_are_found_with_the_probability_of_all_their_spellings(
    tokenizer: Tokenizer, prefix: str
) -> None:
    model = Scripted(tokenizer, len(tokenizer.encode(prefix)))
    expected = every_word(tokenizer, model, prefix)
    assert len(expected) > 20
    found = NextWords(model, tokenizer).after([7, 8], prefix, 10_000)
    assert len({word.text for word in found}) > 20
    probabilities: dict[str, float] = defaultdict(float)
    for word in found:
        probabilities[word.text] += word.probability
    assert probabilities == pytest.approx(expected, abs=1e-5)
    assert [w.probability for w in found] == sorted((w.probability for w in found), reverse=True)


@pytest.mark.parametrize("prefix", ["", "the cat"])
def test_a_few_words_are_the_likeliest_of_all(tokenizer: Tokenizer, prefix: str) -> None:
    model = Scripted(tokenizer, len(tokenizer.encode(prefix)))
    every = NextWords(model, tokenizer).after([7, 8], prefix, 10_000)
    assert NextWords(model, tokenizer).after([7, 8], prefix, 4) == every[:4]
    assert NextWords(model, tokenizer).after([7, 8], prefix, 1) == every[:1]


def test_a_word_in_bytes_is_put_together(tokenizer: Tokenizer) -> None:
    """A model that can only say "▁", the two bytes of é, and the end."""
    pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
    order = [pieces.index(piece) for piece in ("▁", "<0xC3>", "<0xA9>")] + [EOS]
    assert min(order[:3]) > UNK

    class Spelling(Scripted):
        def probabilities(self, history: tuple[int, ...]) -> np.ndarray:
            values = np.zeros(len(self.pieces))
            values[order[min(len(history) - 1, 3)]] = 1.0
            return values

    [word] = NextWords(Spelling(tokenizer, 0), tokenizer).after([7, 8], "", 5)[:1]
    assert (word.text, word.probability) == ("é", pytest.approx(1.0))
