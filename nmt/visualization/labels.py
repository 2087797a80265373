"""Words as labels of a picture: how wide they are, and what is cut off."""

import unicodedata

from nmt.text.tokenizer import SPACE

LONGEST = 28
"""Characters of a label; of a longer word only the beginning is shown."""
NARROW = frozenset("fijlrtI.,;:!|'`()[]-\u2019\u2018 ")
WIDE = frozenset("mwMW@%\u0153\u0152\u00e6\u2014")


def shown(word: str) -> str:
    """A word as a label, its end cut off if it is long.

    The space before a subword is shown as ``_``, for few fonts have sentencepiece's sign.
    """
    word = word.replace(SPACE, "_")
    return word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}\u2026"


def width(text: str) -> float:
    """About how wide a text is, in units of the font size, on the safe side of common fonts."""
    return sum(map(_width, text))


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.02
    if unicodedata.combining(character):
        return 0.0
    base = unicodedata.normalize("NFD", character)[0]
    if base in NARROW:
        return 0.42
    if base in WIDE:
        return 1.02
    return 0.76 if character.isupper() else 0.64
