"""Texts as what is translated at a time: sentences, and parts of those that are too long."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from nmt.config import SearchConfig
from nmt.text.normalise import check_text, normalise
from nmt.text.sentences import begin_words, sentences_of, split_text
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
class Segmenter:
    """Divides texts into parts.

    Attributes:
        tokenizer: Of the language translated from.
        max_tokens: Subwords above which a text is split, where the options do not say; None to
            never split.
    """

    tokenizer: Tokenizer
    max_tokens: int | None

    def reader(self, options: SearchConfig, is_free: bool) -> Read:
        """How sentences are read; only where nothing is asked of their translations is it free."""
        if not options.robust:
            return as_it_is
        return partial(reading_of, tokenizer=self.tokenizer, is_free=is_free)

    def begun_parts(
        self, text: str, wanted: TextConstraints, options: SearchConfig, has_terms: bool = False
    ) -> list[Part]:
        """The parts of a text, the first with what its translation begins with.

        Args:
            text: The text.
            wanted: What its translation has to be like.
            options: How to search.
            has_terms: A glossary has words of the text.
        """
        # in which sentence a required word is to be cannot be known
        by_sentence = options.split_sentences and not wanted.required
        is_free = not (wanted.required or wanted.forbidden or has_terms)
        parts = self.parts(text, options, by_sentence, is_free)
        if not parts or not wanted.prefix:
            return parts
        prefix = completed(parts[0].reading, wanted.prefix)
        begun = begun_by(parts[0].reading, prefix)
        if begun is None:
            parts = self.parts(text, options, by_sentence, is_free=False)
            prefix = begun = wanted.prefix
        return [replace(parts[0], prefix=prefix, begun=begun), *parts[1:]]

    def parts(
        self, text: str, options: SearchConfig, by_sentence: bool, is_free: bool = True
    ) -> list[Part]:
        """The parts of a text, none of them empty or too long; see `reader`."""
        check_text(text)
        text = normalise(text)
        read = self.reader(options, is_free)
        longest = options.max_tokens or self.max_tokens
        sentences = sentences_of(text) if by_sentence and longest is not None else [text]
        readings: list[Reading] = []
        encoded: list[list[int]] = []
        for sentence in filter(None, sentences):
            reading = read(sentence)
            ids = self.tokenizer.encode(reading.read)
            if longest is not None and len(ids) > longest:
                pieces = split_text(reading.read, self.tokenizer, longest)
                cut = list(map(read, reading.cut(pieces)))
                readings += cut
                encoded += self.tokenizer.encode_batch([piece.read for piece in cut])
            else:
                readings.append(reading)
                encoded.append(ids)
        begins = begin_words(text, [reading.text for reading in readings])
        return list(map(Part, readings, encoded, begins))
