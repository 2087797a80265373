"""One spelling for one text: what training and translating both do to a sentence first."""

import re
import unicodedata
from itertools import groupby

from nmt.errors import SearchError

MANY_MARKS = re.compile(r"[^\w\s\x00-\x7f]{50,}")
"""Characters of which many may be accents on one letter."""


def normalise(text: str) -> str:
    """Put a text into Unicode NFC, with single spaces between words and none around them.

    Whitespace is what ``str.split`` takes for it: tabs, no-break spaces, form feeds, U+0085, U+2028
    and the separators U+001C to U+001F as well as the space. Applying it twice changes nothing.
    """
    text = MANY_MARKS.sub(_in_order, text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _in_order(marks: re.Match[str]) -> str:
    """Marks in the order that NFC gives them, which it finds by insertion: of many, in minutes."""
    return "".join(
        "".join(sorted(group, key=unicodedata.combining)) if is_mark else "".join(group)
        for is_mark, group in groupby(marks[0], key=lambda c: unicodedata.combining(c) > 0)
    )


def check_text(text: str) -> None:
    """Make sure that a text is one.

    Raises:
        SearchError: It holds a NUL or a lone surrogate.
    """
    if "\0" in text:
        raise SearchError(f"{text[:40]!a}: holds a NUL character, and so is not text: remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SearchError(
            f"{text[:40]!a}: holds a lone surrogate (character {error.start + 1}), and so is not "
            "text: read it as UTF-8"
        ) from error
