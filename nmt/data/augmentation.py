"""Augmentation: training pairs altered on the fly, each time they are met.

A corpus is written with care, and what is translated with its model is not. So a share of the pairs
is altered (`Alterations`), each in one of these ways:

- the source in small letters, without its accents, without its last punctuation, or all of these
  (Belinkov and Bisk 2018 on why a model has to see such text to stand it);
- a name or a number that stands in both texts replaced by one made up on the spot, so that the
  model learns to copy what it does not know (as Currey et al. 2017 do with whole sentences);
- only a part of both texts that translate each other (`nmt.data.phrases`).

Word dropout (`drop_words`) replaces some of the subwords of a batch with UNK, which leave their
places behind (Zhang et al. 2020, "Token drop mechanism for neural machine translation", without
their further objectives; Bowman et al. 2016, section 3.1, for the decoder alone): in the source, so
that a translation does not depend on a single subword, and in what the decoder reads, so that it
asks the source rather than the subword before.
"""

import random
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nmt.data.batches import Batch
from nmt.data.phrases import WordTable, fragment
from nmt.text.tokenizer import BOS, EOS, PAD, UNK

LIGATURES = str.maketrans({"œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae"})
LAST_PUNCTUATION = re.compile(r"[\s.!?…\u3002\uff01\uff1f]+$")
NAME_OR_NUMBER = re.compile(r"\b(?:[A-Z][a-z]{2,}|\d+)\b")
CONSONANTS = "b c ch d f g h j k kr l ll m n nd ng p r rd s sh sk st t th tr v w x y z"
VOWELS = "a a á ai e e é i ie o ö ou u y"


@dataclass(frozen=True)
class Alterations:
    """Which share of the pairs is altered, and how.

    Attributes:
        noise: Share that is written as hurried people type, see `alter`.
        fragments: Share of which only a part is met, see `nmt.data.phrases`.
        table: What finds the parts, where there are to be any.
    """

    noise: float = 0.0
    fragments: float = 0.0
    table: WordTable | None = None

    @property
    def share(self) -> float:
        """Share of the pairs that are altered."""
        return self.noise + self.fragments

    def apply(self, source: str, target: str, draw: random.Random) -> tuple[str, str]:
        """A pair that is to be altered, as it is met this time."""
        if self.table is None or draw.random() * self.share < self.noise:
            return alter(source, target, draw)
        part = fragment(source, target, self.table, draw) or (source, target)
        if draw.random() < 0.5:
            return with_stranger(*part, draw) or part
        return part


NO_ALTERATIONS = Alterations()


def alter(source: str, target: str, draw: random.Random) -> tuple[str, str]:
    """A pair as it might also have been written.

    Args:
        source: A sentence.
        target: Its translation.
        draw: Where chance comes from; the pair is a pure function of its state and of the texts.

    Returns:
        Another pair, or the same where there is nothing to alter; no side is empty that was not.
    """
    if draw.random() < 0.5 and (strange := with_stranger(source, target, draw)):
        return strange
    ways = [str.lower, without_accents, without_last_punctuation]
    for way in ways if draw.random() < 0.25 else [draw.choice(ways)]:
        source = way(source)
    return source, target


def with_stranger(source: str, target: str, draw: random.Random) -> tuple[str, str] | None:
    """Put a made-up name or number in the place of one that stands once in either text.

    Returns:
        The new pair, or None where there is no such word.
    """
    words = NAME_OR_NUMBER.findall(source)
    there = NAME_OR_NUMBER.findall(target)
    shared = [word for word in words if words.count(word) == there.count(word) == 1]
    if not shared:
        return None
    word = draw.choice(shared)
    stranger = _number(draw) if word.isdecimal() else _name(draw)
    found = re.compile(rf"\b{word}\b")
    return found.sub(stranger, source), found.sub(stranger, target)


def without_accents(text: str) -> str:
    """A text in plain letters: ``é`` as ``e``, ``œ`` as ``oe``."""
    apart = unicodedata.normalize("NFD", text.translate(LIGATURES))
    plain = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
    return unicodedata.normalize("NFC", plain)


def without_last_punctuation(text: str) -> str:
    """A text without its last full stop, question or exclamation mark, if it has more than that."""
    return LAST_PUNCTUATION.sub("", text) or text


def _name(draw: random.Random) -> str:
    syllables = draw.choice((2, 2, 3, 3, 4))
    consonants, vowels = CONSONANTS.split(), VOWELS.split()
    sounds = [draw.choice(consonants) + draw.choice(vowels) for _ in range(syllables)]
    return ("".join(sounds) + draw.choice(["", *consonants])).capitalize()


def _number(draw: random.Random) -> str:
    return str(draw.randrange(10 ** draw.randint(1, 4)))


def drop_words(batch: Batch, share: float, seed: int) -> Batch:
    """Replace some of the subwords that are read.

    What the decoder should say stays as it is.

    Args:
        batch: Pairs; it is left as it is.
        share: Probability for each subword of the source and of the decoder's input; BOS, EOS and
            PAD always stay.
        seed: Not negative; the batch returned is a pure function of the arguments.
    """
    if not share:
        return batch
    random = np.random.default_rng(seed)
    source, target_in = (_dropped(side, share, random) for side in (batch.source, batch.target_in))
    return batch._replace(source=source, target_in=target_in)


def _dropped(
    tokens: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.int64]:
    is_dropped = random.random(tokens.shape, np.float32) < share
    return np.where(is_dropped & ~np.isin(tokens, (PAD, BOS, EOS)), UNK, tokens)
