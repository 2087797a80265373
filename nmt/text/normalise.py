"""One spelling for one text: what training and translating both do to a sentence first."""

import unicodedata

from nmt.errors import SearchError


def normalise(text: str) -> str:
    """Put a text into Unicode NFC, with single spaces between words and none around them.

    Whitespace is what ``str.split`` takes for it: tabs, no-break spaces, form feeds, U+0085, U+2028
    and the separators U+001C to U+001F as well as the space. Applying it twice changes nothing.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


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
