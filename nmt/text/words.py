"""What counts as a word, for glossaries, for alignments and for who looks for the next one."""

import unicodedata

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
    in_word = False
    for character in text:
        is_letter = is_word_character(character) and not is_unspaced(character)
        if is_letter and in_word:
            found[-1] += character
        elif not character.isspace():
            found.append(character)
        in_word = is_letter
    return found


def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that puts no spaces between words."""
    return any(first <= character <= last for first, last in UNSPACED)
