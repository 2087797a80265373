"""One spelling for one text: what training and translating both do to a sentence first."""

import unicodedata


def normalise(text: str) -> str:
    """Put a text into Unicode NFC, with single spaces between words and none around them.

    Whitespace is what ``str.split`` takes for it: tabs, no-break spaces, form feeds, U+0085, U+2028
    and the separators U+001C to U+001F as well as the space. Applying it twice changes nothing.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())
