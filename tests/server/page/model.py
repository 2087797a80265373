"""A model of a page's tests: a dictionary with two words for each, the likelier one first."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nmt.config import RunConfig, SearchConfig, override
from nmt.search.stepper import Candidates, Distribution
from nmt.text.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, Tokenizers, train_tokenizer
from nmt.translator.loading import LoadedModel
from nmt.translator.translator import Translator

WORDS = {
    "le": ("the", "a"),
    "Le": ("The", "A"),
    "petit": ("small", "little"),
    "vieux": ("old", "aged"),
    "chat": ("cat", "kitten"),
    "chien": ("dog", "hound"),
    "cheval": ("horse", "pony"),
    "voit": ("sees", "watches"),
    "aime": ("likes", "loves"),
    ".": (".", "!"),
}
"""What is not among them stays as it is."""
FIRST_SHARE, SECOND_SHARE, END_SHARE = 0.7, 0.2, 0.005
"""Of the probability; the rest is shared by all other subwords."""
NEAR = 0.75
"""Of the attention goes to the subword that is translated, the rest to the next one."""


class Rows(NamedTuple):
    """The subwords of each sentence, and how many of each row's there are already."""

    sources: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...]


class Dictionary:
    """A stepper that translates subword by subword."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.vocabulary = tokenizer.vocabulary_size
        self.choices = {
            _subword(tokenizer, word): [_subword(tokenizer, each) for each in translations]
            for word, translations in WORDS.items()
        }

    def start(
        self,
        source: np.ndarray,
        source_lengths: np.ndarray,
        needed: Sequence[Collection[int]] = (),
    ) -> Rows:
        rows = zip(source, source_lengths, strict=True)
        sources = tuple(tuple(row[:length].tolist()) for row, length in rows)
        return Rows(sources, (0,) * len(sources))

    def step(self, state: Rows, tokens: np.ndarray, k: int) -> tuple[Candidates, Rows]:
        distribution, state = self.distribution(state, tokens)
        return distribution.candidates(min(k, self.vocabulary - 3)), state

    def distribution(self, state: Rows, tokens: np.ndarray) -> tuple[Distribution, Rows]:
        width = len(state.steps) // len(state.sources)
        longest = max(map(len, state.sources))
        probabilities = np.full((len(tokens), self.vocabulary), 1e-5)
        attention = np.zeros((len(tokens), longest), dtype=np.float32)
        for row, step in enumerate(state.steps):
            source = state.sources[row // width]
            at = min(step, len(source) - 1)
            first, second = self.choices.get(source[at], [source[at]] * 2)
            probabilities[row, EOS] += END_SHARE
            probabilities[row, second] += SECOND_SHARE
            probabilities[row, first] += FIRST_SHARE
            attention[row, at] += NEAR
            attention[row, min(at + 1, len(source) - 1)] += 1 - NEAR
        probabilities[:, [PAD, BOS, UNK]] = 0.0
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            values = np.log(probabilities).astype(np.float32)
        after = Rows(state.sources, tuple(step + 1 for step in state.steps))
        return Distribution(values, attention), after

    def select(self, state: Rows, rows: np.ndarray) -> Rows:
        width = len(state.steps) // len(state.sources)
        sources = tuple(state.sources[row // width] for row in rows[:, 0])
        return Rows(sources, tuple(state.steps[row] for row in rows.reshape(-1)))


def make_translator(folder: Path) -> Translator:
    """A translator with that model and a tokenizer for which each of its words is one subword."""
    words = [*WORDS, *(word for both in WORDS.values() for word in both)]
    text = [f"{one} {other} {one}." for one in words for other in words] + ["oh!"] * 9
    config = override(RunConfig(), ["tokenizer.vocabulary_size=420"])
    train_tokenizer(text, config.tokenizer, folder / "tokenizer.model")
    tokenizer = Tokenizer.load(folder / "tokenizer.model")
    model = LoadedModel(Dictionary(tokenizer), Tokenizers(tokenizer, tokenizer), 100)
    return Translator(model, SearchConfig(beam=5))


def _subword(tokenizer: Tokenizer, word: str) -> int:
    """The only subword of a word; a mark is one when it follows a word."""
    if word.isalpha():
        [subword] = tokenizer.encode(word)
    else:
        *_, subword = tokenizer.encode(f"le{word}")
    return subword
