"""A text of several sentences, or one too long for the model, cut where a reader would.

A text is divided into lines, and lines into sentences; only sentences are translated. What stands
around them stays: line breaks, indentation, and what is between two sentences of a line. But where
the translation is in a language without spaces, nothing stands between its sentences; in another, a
space where nothing stood.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nmt.text.tokenizer import Tokenizer

LONGEST_CHARACTER_BYTES = 4
TITLES = "".join(
    rf"(?<!\b{title}\.)" for title in ("M", "MM", "Mr", "Mrs", "Ms", "Dr", "St", "Mme", "Mlle")
)
"""What a full stop is no end of a sentence after."""
CUTS = (
    # After a sentence with its closing quotes, but not after a title, nor before a
    # small letter (an abbreviation); the escapes are the ideographic full stop, exclamation and
    # question mark.
    re.compile(
        r"(?<=[.!?…])"
        + TITLES
        + r"(?:\s*[\"'»”\u2019)\]])*\s+(?![\sa-zà-öø-ÿ»])|(?<=[\u3002\uff01\uff1f])"
    ),
    # After a clause; the escapes are the Arabic and ideographic commas, colons and semicolons.
    re.compile(r"(?<=[,;:\u060c\u061b])\s+|(?<=[\uff0c\uff1b\uff1a\u3001])"),
    # After a word.
    re.compile(r"\s+"),
)
"""Where a text is cut, the best places first."""


LINE_END = re.compile(r"(\r\n|\r|\n)")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, or a part of one.

    Attributes:
        text: As it is in the text.
        start: Where it begins, in code points.
        line: The number of the line that it is in, from 0.
        before: What stands before its translation.
    """

    text: str
    start: int
    line: int
    before: str


@dataclass(frozen=True)
class DividedText:
    """A text in sentences.

    Attributes:
        sentences: None empty, each in one line.
        after: What stands behind the last of them.
    """

    sentences: tuple[Sentence, ...]
    after: str

    def joined(self, translations: Sequence[str]) -> tuple[str, list[int]]:
        """The translation of the text, from those of its sentences, and where each begins in it.

        An empty translation stands with nothing between it and its neighbours in the line.
        """
        joined = ""
        starts = []
        line = -1
        has_words = False  # in this line
        for sentence, translation in zip(self.sentences, translations, strict=True):
            if sentence.line != line:
                joined += sentence.before
                line, has_words = sentence.line, False
            elif has_words and translation:
                joined += sentence.before
            starts.append(len(joined))
            joined += translation
            has_words |= bool(translation)
        return joined + self.after, starts


def divide(text: str, *, by_sentence: bool = True, into_spaced: bool = True) -> DividedText:
    """Divide a text into sentences.

    Args:
        text: One or more lines.
        by_sentence: False to divide it into lines only.
        into_spaced: The language it is translated into puts spaces between words.
    """
    sentences: list[Sentence] = []
    before = ""
    start = 0
    for number, piece in enumerate(LINE_END.split(text)):
        end = start  # of what is in sentences or before them
        for sentence in sentences_of(piece) if by_sentence else filter(None, [piece.strip()]):
            at = text.index(sentence, end)
            is_first = not sentences or sentences[-1].line != number // 2
            between = (text[end:at] or " ") if into_spaced else ""
            before = before + text[end:at] if is_first else between
            sentences.append(Sentence(sentence, at, number // 2, before))
            before, end = "", at + len(sentence)
        start += len(piece)
        before += text[end:start]
    return DividedText(tuple(sentences), before)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, as far as punctuation tells.

    Args:
        text: In one line.

    Returns:
        The sentences, none empty; together the text, but for spaces.
    """
    return [sentence for piece in _cut(text, CUTS[0]) if (sentence := piece.strip())]


def split_text(text: str, tokenizer: Tokenizer, max_tokens: int) -> list[str]:
    """Split a text into parts of at most so many subwords, each sentence a part if it fits.

    Args:
        text: Normalised.
        tokenizer: To count with.
        max_tokens: Subwords of a part.

    Returns:
        The parts, none empty; together the text, but for spaces. A part has more subwords only
        if a single character has.
    """
    return _split(text, 0, tokenizer, max_tokens)


def _split(text: str, level: int, tokenizer: Tokenizer, max_tokens: int) -> list[str]:
    text = text.strip()
    if len(tokenizer.encode(text)) <= max_tokens:
        return [text] if text else []
    if level < len(CUTS):
        pieces = _cut(text, CUTS[level])
        if level > 0:
            pieces = _pack(pieces, tokenizer, max_tokens)
    else:
        # No character has more subwords than bytes; one more may start the word.
        size = max(1, (max_tokens - 1) // LONGEST_CHARACTER_BYTES)
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        if size == 1:
            return pieces
    return [part for piece in pieces for part in _split(piece, level + 1, tokenizer, max_tokens)]


def _cut(text: str, boundary: re.Pattern[str]) -> list[str]:
    """The stretches up to each boundary, with what the boundary holds, such as a quote."""
    ends = [match.end() for match in boundary.finditer(text)]
    return [text[i:j] for i, j in zip([0, *ends], [*ends, len(text)], strict=True)]


def _pack(pieces: list[str], tokenizer: Tokenizer, max_tokens: int) -> list[str]:
    """Put neighbours together again where they fit."""
    packed: list[str] = []
    room = 0
    for piece, ids in zip(pieces, tokenizer.encode_batch(pieces), strict=True):
        if packed and len(ids) <= room:
            packed[-1] += piece
        else:
            packed.append(piece)
            room = max_tokens
        room -= len(ids)
    return packed


def begin_words(text: str, parts: list[str]) -> list[bool]:
    """Whether each part of a text begins a word of it; False where a word was cut.

    Args:
        text: Normalised.
        parts: What `split_text` made of it.
    """
    begins = []
    end = 0
    for part in parts:
        is_after_space = text[end : end + 1] == " "
        begins.append(end == 0 or is_after_space)
        end += is_after_space + len(part)
    return begins
