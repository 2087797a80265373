"""Texts as what is translated at a time: sentences, and parts of those that are too long."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from nmt.config import SearchConfig
from nmt.text.normalise import check_text, normalise
from nmt.text.sentences import DividedText, Sentence, begin_words, divide, split_text
from nmt.text.tokenizer import Tokenizer
from nmt.translator.constraints import TextConstraints
from nmt.translator.protected import Reading, as_it_is, reading_of
from nmt.translator.restoring import begun_by, completed

Read = Callable[[str], Reading]


@dataclass(frozen=True)
class Part:
    """What is translated at a time.

    Attributes:
        reading: Of a text, or of a part of one; not empty.
        ids: The source subwords of what is read, without the end of sentence; none if the text is
            copied.
        begins_word: False where the text was cut in the middle of a word.
        prefix: What the translation begins with.
        begun: The same without what the model does not write.
    """

    reading: Reading
    ids: list[int]
    begins_word: bool = True
    prefix: str = ""
    begun: str = ""

    @property
    def text(self) -> str:
        """The text, or the part of one; normalised."""
        return self.reading.text


@dataclass(frozen=True)
class Segments:
    """A text in parts.

    Attributes:
        parts: None of them empty or too long.
        sentences: The text in sentences.
        layout: The text in its parts.
    """

    parts: list[Part]
    sentences: DividedText
    layout: DividedText


@dataclass(frozen=True)
class Segmenter:
    """Divides texts into parts.

    Attributes:
        tokenizer: Of the language translated from.
        max_tokens: Subwords above which a text is split, where the options do not say; None to
            never split.
        into_spaced: The language translated into puts spaces between words.
    """

    tokenizer: Tokenizer
    max_tokens: int | None
    into_spaced: bool = True

    def reader(self, options: SearchConfig, is_free: bool) -> Read:
        """How sentences are read; only where nothing is asked of their translations is it free."""
        if not options.robust:
            return as_it_is
        return partial(reading_of, tokenizer=self.tokenizer, is_free=is_free)

    def begun_segments(
        self, text: str, wanted: TextConstraints, options: SearchConfig, has_terms: bool = False
    ) -> Segments:
        """The parts of a text, the first with what its translation begins with.

        Args:
            text: The text.
            wanted: What its translation has to be like.
            options: How to search.
            has_terms: A glossary has words of the text.
        """
        is_free = not (wanted.required or wanted.forbidden or has_terms)
        # in which sentence a required word is to be cannot be known
        is_whole = bool(wanted.required)
        segments = self.segments(text, options, is_free, is_whole)
        if not segments.parts or not wanted.prefix:
            return segments
        first = segments.parts[0]
        prefix = completed(first.reading, wanted.prefix)
        begun = begun_by(first.reading, prefix)
        if begun is None:
            segments = self.segments(text, options, is_free=False, is_whole=is_whole)
            prefix = begun = wanted.prefix
        first = replace(segments.parts[0], prefix=prefix, begun=begun)
        return replace(segments, parts=[first, *segments.parts[1:]])

    def segments(
        self, text: str, options: SearchConfig, is_free: bool = True, is_whole: bool = False
    ) -> Segments:
        """The parts of a text.

        Args:
            text: The text.
            options: How to search.
            is_free: See `reader`.
            is_whole: Leave the text in one piece if it is not too long, line breaks and all.
        """
        check_text(text)
        longest = options.max_tokens or self.max_tokens
        if is_whole or longest is None:
            text = normalise(text)
        sentences = divide(
            text,
            by_sentence=options.split_sentences and not is_whole and longest is not None,
            into_spaced=self.into_spaced,
        )
        read = self.reader(options, is_free)
        parts: list[Part] = []
        places: list[Sentence] = []
        for sentence in sentences.sentences:
            found = self._parts(normalise(sentence.text), read, longest)
            if sentence.start and not text[sentence.start - 1].isspace():
                found[0] = replace(found[0], begins_word=False)
            parts += found
            between = replace(sentence, before=" " * self.into_spaced)
            places += [sentence, *[between] * (len(found) - 1)]
        return Segments(parts, sentences, replace(sentences, sentences=tuple(places)))

    def _parts(self, sentence: str, read: Read, longest: int | None) -> list[Part]:
        """The parts of a normalised sentence."""
        reading = read(sentence)
        ids = self.tokenizer.encode(reading.read)
        if longest is None or len(ids) <= longest:
            return [Part(reading, ids)]
        pieces = split_text(reading.read, self.tokenizer, longest)
        cut = list(map(read, reading.cut(pieces)))
        encoded = self.tokenizer.encode_batch([piece.read for piece in cut])
        return list(map(Part, cut, encoded, begin_words(sentence, [piece.text for piece in cut])))
