"""What counts as a word, for glossaries, for alignments and for who looks for the next one."""

import unicodedata
from itertools import groupby

UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u3400", "\u9fff"),  # Chinese characters
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0003ffff"),
)
"""Scripts that put no spaces between words: in them each character stands for itself."""


def is_word_character(character: str) -> bool:
    """Whether a character is part of words: a letter, a digit, or an accent on one."""
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def words_and_marks(text: str) -> list[str]:
    """A text as words and single other characters, without the spaces.

    An apostrophe or a hyphen stands for itself: ``l'ami`` is three. In a script without spaces
    each character does.
    """
    found: list[str] = []
    for is_letter, group in groupby(text, key=_is_joined):
        if is_letter:
            found.append("".join(group))
        else:
            found += [character for character in group if not character.isspace()]
    return found


def _is_joined(character: str) -> bool:
    """Whether a character belongs to a word of several."""
    return is_word_character(character) and not is_unspaced(character)


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that puts no spaces between words."""
    return any(first <= character <= last for first, last in UNSPACED)
