"""Where the words of a text are, for who lights them up."""

import unicodedata
from collections.abc import Iterable


class Finder:
    """Finds the words of a text in order, however they are spaced.

    Args:
        text: As it was given. Words are looked for in its Unicode NFC.
        start: Where it begins in a longer one, in code points.
    """

    def __init__(self, text: str, start: int = 0) -> None:
        self._start = start
        composed = unicodedata.normalize("NFC", text)
        begins = list(range(len(text)))  # which of the text's characters each composed one is from
        if composed != text:
            begins = []
            for i in range(len(text)):
                length = len(unicodedata.normalize("NFC", text[: i + 1]))
                begins += [i] * (length - len(begins))
        ends = [*begins[1:], len(text)]
        letters = [i for i, character in enumerate(composed) if not character.isspace()]
        self._letters = "".join(composed[i] for i in letters)
        self._places = [(begins[i], ends[i]) for i in letters]

    def spans(self, words: Iterable[str]) -> list[tuple[int, int]]:
        """The beginning and end of each word in code points.

        A word that is not there, such as one with a character that the model does not know, is an
        empty span after the word before.
        """
        found = []
        next_letter = 0
        end = self._start
        for word in words:
            letters = "".join(unicodedata.normalize("NFC", word).split())
            at = self._letters.find(letters, next_letter) if letters else -1
            begin = end
            if at >= 0:
                next_letter = at + len(letters)
                begin = self._start + self._places[at][0]
                end = self._start + self._places[next_letter - 1][1]
            found.append((begin, end))
        return found
