"""Text in, text out: split if too long, encode, batch by length, search, decode, restore order."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

import numpy as np

from nmt.config import RunConfig, SearchConfig
from nmt.corpus.batches import make_batch
from nmt.corpus.text import normalise
from nmt.corpus.tokenizer import EOS, Tokenizer
from nmt.decoding.search import Hypothesis, search
from nmt.decoding.stepper import Floats, Stepper
from nmt.errors import SearchError
from nmt.run import RunDirectory

LINES_PER_CHUNK = 1024
"""Lines that `Translator.stream` holds at a time."""
ROWS_PER_BATCH = 320
"""Hypotheses followed at a time, of all sentences of a batch: 64 sentences with a beam of 5."""
SENTENCES_PER_BATCH = 128
FEWEST_SENTENCES = 8
"""Sentences that are not divided among threads."""
TOKENS_PER_BATCH = 4096
"""Source tokens of a batch, padding included."""

LONGEST_CHARACTER_BYTES = 4
CUTS = (
    # After a sentence with its closing quotes, but not before a small letter (an abbreviation);
    # the escapes are the ideographic full stop, exclamation and question mark.
    re.compile(r"(?<=[.!?…])(?:\s?[\"'»”\u2019)\]])*\s+(?![a-zà-öø-ÿ»])|(?<=[\u3002\uff01\uff1f])"),
    # After a clause; the escapes are the Arabic and ideographic commas, colons and semicolons.
    re.compile(r"(?<=[,;:\u060c\u061b])\s+|(?<=[\uff0c\uff1b\uff1a\u3001])"),
    # After a word.
    re.compile(r"\s+"),
)
"""Where a text is cut that is too long, the best places first."""


@dataclass(frozen=True)
class TranslatedHypothesis:
    """One translation of a text.

    Attributes:
        text: The translation.
        score: What it was ranked by: the log-probability, normalised by length.
        log_probability: Sum over its pieces, natural logarithm.
        pieces: Its subwords, ends of sentences included.
        attention: Where each piece looked, shape (pieces, source pieces); None for a model
            without attention, for an empty text, and for one that was translated in parts.
        is_complete: The model ended it; False where it was cut off at the length limit.
    """

    text: str
    score: float
    log_probability: float
    pieces: tuple[str, ...]
    attention: Floats | None = field(compare=False)
    is_complete: bool

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        attention = self.attention
        return {
            "text": self.text,
            "score": self.score,
            "log_probability": self.log_probability,
            "is_complete": self.is_complete,
            "tokens": list(self.pieces),
            "attention": None
            if attention is None
            else attention.astype(np.float64).round(4).tolist(),
        }


@dataclass(frozen=True)
class Translation:
    """A text and its translations.

    Attributes:
        source: The text, as it was given.
        source_pieces: Its subwords, ends of sentences included; empty for an empty text.
        hypotheses: Best first, at least one.
    """

    source: str
    source_pieces: tuple[str, ...]
    hypotheses: tuple[TranslatedHypothesis, ...]

    @property
    def text(self) -> str:
        """The best translation."""
        return self.hypotheses[0].text

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return {
            "source": self.source,
            "source_tokens": list(self.source_pieces),
            "hypotheses": [hypothesis.as_dict() for hypothesis in self.hypotheses],
        }


class Translator:
    """A model with its tokenizers, ready to translate text.

    A text of more subwords than the model was trained on is translated sentence by sentence; a
    sentence that is still too long is cut after a comma or the like, else between words, else
    anywhere; and the translations are joined with spaces.

    Args:
        stepper: The model.
        source_tokenizer: Of the language translated from.
        target_tokenizer: Of the language translated into.
        options: How to search, where a call does not say.
        max_tokens: Source subwords above which a text is split; None to never split.
        threads: Batches that are translated at a time.
        whole: The same model without its shortlist, where it has one.
    """

    def __init__(
        self,
        stepper: Stepper[Any],
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        options: SearchConfig,
        max_tokens: int | None = None,
        threads: int = 1,
        whole: Stepper[Any] | None = None,
    ) -> None:
        self.options = options
        self._stepper = stepper
        self._whole = stepper if whole is None else whole
        self._source_tokenizer = source_tokenizer
        self._target_tokenizer = target_tokenizer
        self._max_tokens = max_tokens
        self._threads = threads

    @classmethod
    def load(cls, run: RunDirectory, options: SearchConfig | None = None) -> Self:
        """Load a trained model.

        Args:
            run: Where it is.
            options: How to search; None for what the run's recipe says.

        Raises:
            RunError: The run is unfinished or damaged, or its files do not belong together.
            TokenizerError: A tokenizer is damaged.
        """
        config = RunDirectory.open(run.path).config()
        source_file, target_file = run.tokenizer_files(config.tokenizer.joint)
        source = Tokenizer.load(source_file)
        target = source if target_file == source_file else Tokenizer.load(target_file)
        options = config.search if options is None else options
        sizes = source.vocabulary_size, target.vocabulary_size
        longest = config.training.max_tokens
        if not run.is_exported:
            stepper = _torch_stepper(run, config, sizes)  # torch has threads of its own
            return cls(stepper, source, target, options, longest)
        from nmt.decoding.exported import load_stepper

        exported = load_stepper(run.export)
        whole = exported.without_shortlist()
        return cls(exported, source, target, options, longest, _cores(), whole)

    def translate(
        self, texts: Sequence[str], options: SearchConfig | None = None
    ) -> list[Translation]:
        """Translate texts, each by itself.

        Args:
            texts: One or more sentences each. An empty one has an empty translation.
            options: How to search; None for the options of the translator.

        Returns:
            One translation for each text, in order.

        Raises:
            SearchError: A text holds a NUL or a lone surrogate, or the model is damaged.
        """
        options = self.options if options is None else options
        split = [self._encode(text) for text in texts]
        found = iter(self._search([part for parts in split for part in parts], options))
        return [
            self._translation(text, parts, list(islice(found, len(parts))), options)
            for text, parts in zip(texts, split, strict=True)
        ]

    def stream(
        self,
        lines: Iterable[str],
        options: SearchConfig | None = None,
        lines_per_chunk: int = LINES_PER_CHUNK,
    ) -> Iterator[Translation]:
        """Translate as many texts as there are, in memory for a few.

        Args:
            lines: The texts; they are read as the translations are asked for.
            options: How to search; None for the options of the translator.
            lines_per_chunk: How many are translated together: more is quicker.

        Raises:
            SearchError: As `translate`.
        """
        lines = iter(lines)
        while chunk := list(islice(lines, lines_per_chunk)):
            yield from self.translate(chunk, options)

    def _encode(self, text: str) -> list[list[int]]:
        """The ids of the parts of a text: one unless it is empty or too long."""
        _check(text)
        ids = self._source_tokenizer.encode(text)
        if not ids:
            return []
        if self._max_tokens is None or len(ids) <= self._max_tokens:
            return [ids]
        parts = split_text(normalise(text), self._source_tokenizer, self._max_tokens)
        return self._source_tokenizer.encode_batch(parts)

    def _search(self, parts: list[list[int]], options: SearchConfig) -> list[list[Hypothesis]]:
        """The hypotheses of each part, in order."""
        stepper = self._stepper if options.shortlist else self._whole
        found: list[list[Hypothesis]] = [[] for _ in parts]

        def fill(rows: list[int]) -> None:
            sources = [np.array(parts[row], dtype=np.int64) for row in rows]
            batch = make_batch(sources, [source[:0] for source in sources])
            hypotheses = search(stepper, batch.source, batch.source_lengths, options)
            for row, best in zip(rows, hypotheses, strict=True):
                found[row] = best

        batches = list(_batches([len(part) + 1 for part in parts], options, self._threads))
        if min(len(batches), self._threads) < 2:
            for rows in batches:
                fill(rows)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(fill, batches))
        return found

    def _translation(
        self,
        text: str,
        parts: list[list[int]],
        found: list[list[Hypothesis]],
        options: SearchConfig,
    ) -> Translation:
        if not parts:
            return Translation(text, (), (TranslatedHypothesis("", 0.0, 0.0, (), None, True),))
        pieces = self._source_tokenizer.pieces([token for part in parts for token in (*part, EOS)])
        # The n-th best of a text in parts is made of the n-th best of each part.
        hypotheses = tuple(
            self._hypothesis(list(ranked), options) for ranked in zip(*found, strict=False)
        )
        return Translation(text, tuple(pieces), hypotheses)

    def _hypothesis(self, parts: list[Hypothesis], options: SearchConfig) -> TranslatedHypothesis:
        tokens = [token for h in parts for token in (*h.tokens, *[EOS] * h.is_complete)]
        log_probability = sum(h.log_probability for h in parts)
        texts = [self._target_tokenizer.decode(h.tokens) for h in parts]
        return TranslatedHypothesis(
            text=" ".join(part for part in texts if part),
            score=log_probability / len(tokens) ** options.length_penalty,
            log_probability=log_probability,
            pieces=tuple(self._target_tokenizer.pieces(tokens)),
            attention=parts[0].attention if len(parts) == 1 else None,
            is_complete=all(h.is_complete for h in parts),
        )


def _torch_stepper(
    run: RunDirectory, config: RunConfig, vocabulary_sizes: tuple[int, int]
) -> Stepper[Any]:
    """The weights of a run that is not exported."""
    import torch

    from nmt.decoding.torch_stepper import TorchStepper
    from nmt.model.seq2seq import build
    from nmt.model.weights import load_weights

    model = build(config.model, *vocabulary_sizes)
    load_weights(model, run.model_file)
    return TorchStepper(model.to("cuda" if torch.cuda.is_available() else "cpu").eval())


def _cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def _check(text: str) -> None:
    if "\0" in text:
        raise SearchError(f"{text[:40]!a}: holds a NUL character, and so is not text: remove it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SearchError(
            f"{text[:40]!a}: holds a lone surrogate (character {error.start + 1}), and so is not "
            "text: read it as UTF-8"
        ) from error


def _batches(lengths: list[int], options: SearchConfig, threads: int) -> Iterator[list[int]]:
    """Rows of each batch, longest first, so that what does not fit shows at once.

    Args:
        lengths: Tokens of each sentence.
        options: How many hypotheses each sentence needs.
        threads: Batches that are translated at a time: few sentences are shared out among them.
    """
    width = options.n_best if options.sample else options.beam
    share = max(FEWEST_SENTENCES, -(-len(lengths) // threads))
    most = max(1, min(SENTENCES_PER_BATCH, ROWS_PER_BATCH // width, share))
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        fitting = max(1, min(most, TOKENS_PER_BATCH // lengths[order[start]]))
        yield order[start : start + fitting]
        start += fitting
