"""A text as sentences and what is between them, and a beginning of its translation likewise."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nmt.text.sentences import sentences_of

LINE_END = re.compile(r"(\r\n|\r|\n)")
BETWEEN_SENTENCES = " "
"""What stands between the translations of two sentences of a line."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text.

    Attributes:
        text: As it is in the text.
        start: Where it begins, in code points.
    """

    text: str
    start: int


@dataclass(frozen=True)
class DividedText:
    """A text in sentences.

    Attributes:
        sentences: None empty, each in one line.
        lines: The number of the line that each is in.
        between: What stands before, between and after their translations: one more than sentences.
            Line breaks, and spaces at the edges of lines, are those of the text.
    """

    sentences: tuple[Sentence, ...]
    lines: tuple[int, ...]
    between: tuple[str, ...]

    def joined(self, translations: Sequence[str]) -> str:
        """The translation of the text, from those of its sentences."""
        first, *others = self.between
        pairs = zip(translations, others, strict=True)
        return first + "".join(part for pair in pairs for part in pair)


def divide(text: str, by_sentence: bool = True) -> DividedText:
    """Divide a text into sentences.

    Args:
        text: One or more lines.
        by_sentence: False to divide it into lines only.
    """
    sentences: list[Sentence] = []
    lines: list[int] = []
    between = [""]
    start = 0
    for number, piece in enumerate(LINE_END.split(text)):
        is_first = True
        end = start  # of what is in sentences or between them
        for sentence in sentences_of(piece) if by_sentence else [piece.strip()]:
            if not sentence:
                continue
            at = text.index(sentence, end)
            between[-1] += text[end:at] if is_first else BETWEEN_SENTENCES
            sentences.append(Sentence(sentence, at))
            lines.append(number // 2)
            between.append("")
            end, is_first = at + len(sentence), False
        start += len(piece)
        between[-1] += text[end:start]
    return DividedText(tuple(sentences), tuple(lines), tuple(between))


def shares(prefix: str, of: DividedText) -> list[str]:
    """What the translation of each sentence begins with, where that of a text has a prefix.

    Lines of the prefix belong to lines of the text, and sentences to sentences; what a line of the
    prefix has too many goes to the last sentence of that line.

    Returns:
        For each sentence up to the one that the prefix ends in, which may be empty. Spaces at the
        end of the prefix are kept.
    """
    found: list[str] = []
    lines = LINE_END.split(prefix)[::2]
    last = max(of.lines, default=0)
    lines[last:] = [BETWEEN_SENTENCES.join(lines[last:])] if len(lines) > last else []
    for number, line in enumerate(lines):
        room = of.lines.count(number)
        # A letter at its end shows whether another sentence begins there.
        *whole, begun = sentences_of(line + "X")
        parts = [*whole, begun[:-1]]
        if len(parts) > room:
            parts = [*parts[: room - 1], BETWEEN_SENTENCES.join(parts[room - 1 :])] if room else []
        is_last = number == len(lines) - 1
        found += parts if is_last else parts + [""] * (room - len(parts))
    return found
