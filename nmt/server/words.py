"""Where the words of a text are, for who lights them up."""

import unicodedata
from collections.abc import Iterable


class Finder:
    """Finds the words of a text in order.

    Args:
        text: As it was given. Words are looked for in its Unicode NFC.
        start: Where it begins in a longer one, in code points.
    """

    def __init__(self, text: str, start: int = 0) -> None:
        self._start = start
        self._text = unicodedata.normalize("NFC", text)
        self._places: list[int] | None = None
        if self._text != text:
            # For each character of the NFC, which of the text's it begins with, and the end.
            self._places = []
            for i in range(len(text)):
                length = len(unicodedata.normalize("NFC", text[: i + 1]))
                self._places += [i] * (length - len(self._places))
            self._places.append(len(text))

    def spans(self, words: Iterable[str]) -> list[tuple[int, int]]:
        """The beginning and end of each word in code points.

        A word that is not there, such as one with a character that the model does not know, is an
        empty span after the word before.
        """
        found = []
        end = 0
        for word in words:
            at = self._text.find(word, end)
            begin = end if at < 0 else at
            end = end if at < 0 else at + len(word)
            found.append((self._place(begin), self._place(end)))
        return found

    def _place(self, at: int) -> int:
        return self._start + (at if self._places is None else self._places[at])
