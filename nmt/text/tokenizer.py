"""Text to subword ids and back, by sentencepiece (Kudo and Richardson 2018), losing nothing."""

import hashlib
import heapq
import io
import math
import random
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nmt.config import TokenizerConfig
from nmt.errors import TokenizerError
from nmt.files import write_atomically
from nmt.text.normalise import normalise
from nmt.text.subword_sampling import BpeDropout, UnigramSampler, WordSampler
from nmt.text.words import is_word_character

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

PAD, BOS, EOS, UNK = 0, 1, 2, 3

SPACE = "▁"
"""How sentencepiece writes a space, at the start of every word."""

# sentencepiece keeps U+2581 and U+2585 for itself and skips a sentence with a NUL, so these go in
# as characters that count as whitespace to ``normalise``, and so are in no text that it returns.
RESERVED = "▁▅\0"
STAND_INS = "\x1f\x1e\x1d"
TO_STAND_INS = str.maketrans(RESERVED, STAND_INS)
FROM_STAND_INS = str.maketrans(STAND_INS, RESERVED)

LARGEST_BYTES = 2**26
"""Of the file of a tokenizer; a million subwords take a third of it."""

MAX_TRAINING_SENTENCES = 1_000_000
MAX_TRAINING_SENTENCE_BYTES = 65_536
FEWEST_TEXTS_FOR_THREADS = 1000


class Tokenizer:
    """A trained subword vocabulary. Ids 0 to 3 are PAD, BOS, EOS and UNK, then come the pieces."""

    def __init__(self, model: bytes, name: str) -> None:
        """Read a sentencepiece model.

        Args:
            model: What is in the file.
            name: What to call it in messages.

        Raises:
            TokenizerError: It is damaged, or is not one that ``train_tokenizer`` made.
        """
        self.digest = hashlib.sha256(model).hexdigest()
        self._processor = _processor(model, name)
        self.vocabulary_size: int = self._processor.vocab_size()
        self._samplers: dict[float, WordSampler] = {}
        self._shown: dict[int, str] = {}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a tokenizer from its file.

        Raises:
            TokenizerError: There is none, or it is damaged or of another make.
        """
        try:
            if (size_bytes := path.stat().st_size) > LARGEST_BYTES:
                raise TokenizerError(f"{path}: no tokenizer is this large ({size_bytes:,} bytes)")
            model = path.read_bytes()
        except OSError as error:
            raise TokenizerError(
                f"{path}: cannot read the tokenizer ({error.strerror}): train one with "
                "`nmt tokenizer`"
            ) from error
        return cls(model, str(path))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, normalised first; without BOS and EOS, none for an empty one.

        Raises:
            TokenizerError: The text holds a lone surrogate, and so is not Unicode text.
        """
        ids: list[int] = self._processor.encode(_prepare(text))
        return ids

    def encode_batch(self, texts: Sequence[str], threads: int = -1) -> list[list[int]]:
        """The ids of each text, as ``encode`` gives them.

        Args:
            texts: What to encode.
            threads: Of many texts, how many to use; -1 for one for each core.
        """
        threads = threads if len(texts) >= FEWEST_TEXTS_FOR_THREADS else 1
        prepared = [_prepare(text) for text in texts]
        ids: list[list[int]] = self._processor.encode(prepared, num_threads=threads)
        return ids

    def sample_batch(self, texts: Sequence[str], rate: float, seed: int) -> list[list[int]]:
        """The ids of a random segmentation of each text; the same for the same arguments, always.

        Args:
            texts: What to encode; normalised first.
            rate: For BPE the probability of dropping a merge (Provilkov et al. 2020), for unigram
                the smoothing (alpha in Kudo 2018); 0 for no sampling.
            seed: Not negative.
        """
        if not rate:
            return self.encode_batch(texts)
        sampler = self._sampler(rate)
        draw = random.Random(seed).random
        return [
            [
                token
                for word in _prepare(text).decode().split(" ")
                if word
                for piece in sampler.sample(SPACE + word, draw)
                for token in self._ids(piece)
            ]
            for text in texts
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """The text that ids spell. PAD, BOS, EOS and UNK spell nothing; bad bytes become U+FFFD."""
        spelt = [int(token) for token in ids if token > UNK]
        text: str = self._processor.decode(spelt)
        # Byte pieces can spell anything, a line break too.
        return normalise(text.translate(FROM_STAND_INS))

    def spells_nothing(self, ids: Sequence[int]) -> bool:
        """Whether the text that ids spell is empty."""
        # The name of a byte ends in a sign, so what ends in a letter spells it.
        has_letter = any(self._pieces[token][-1].isalnum() for token in ids)
        return not has_letter and not self.decode(ids)

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each id as its piece, for people to read: ``▁`` starts a word, ``<0xE2>`` is a byte."""
        for token in ids:
            if token not in self._shown:
                self._shown[token] = self._pieces[token].translate(FROM_STAND_INS)
        return [self._shown[token] for token in ids]

    def words(self, ids: Sequence[int]) -> list[int]:
        """The number, from 0, of the word that each piece belongs to."""
        starts = (self._pieces[token].startswith(SPACE) for token in ids[1:])
        return list(accumulate(starts, initial=0))[: len(ids)]

    def spellings(self, text: str, most: int) -> list[tuple[int, ...]]:
        """The ways to spell a text in subwords that are no bytes, those with the fewest first.

        Args:
            text: Normalised first.
            most: How many to return, at most.
        """
        spelt = _prepare(text).decode().replace(" ", SPACE)
        spelt = SPACE * bool(spelt) + spelt
        # The fewest subwords from each place to the end, infinitely many where there is no way.
        fewest = [math.inf] * len(spelt) + [0.0]
        following: list[list[tuple[int, int]]] = [[] for _ in spelt]
        for start in reversed(range(len(spelt))):
            for end in range(start + 1, min(len(spelt), start + self._longest_piece) + 1):
                token = self._spelling.get(spelt[start:end], [])
                if len(token) == 1 and fewest[end] < math.inf:
                    following[start].append((token[0], end))
                    fewest[start] = min(fewest[start], 1 + fewest[end])
        found: list[tuple[int, ...]] = []
        waiting: list[tuple[float, tuple[int, ...], int]] = [(fewest[0], (), 0)]
        while waiting and len(found) < most:
            _, ids, place = heapq.heappop(waiting)
            if place == len(spelt):
                found.append(ids)
                continue
            for next_token, end in following[place]:
                longer = (*ids, next_token)
                heapq.heappush(waiting, (len(longer) + fewest[end], longer, end))
        return [ids for ids in found if ids]

    def holding(self, text: str) -> list[int]:
        """The pieces that hold a text and are no bytes."""
        return [
            token
            for token, piece in enumerate(self._pieces)
            if token > UNK and not self.is_byte[token] and text in piece.removeprefix(SPACE)
        ]

    @cached_property
    def goes_on(self) -> NDArray[np.bool_]:
        """Which pieces go on with the word before them, shape (vocabulary,).

        True for those that begin with a letter, a digit or an accent, and for bytes, which may
        spell one; False for those that begin a word, for punctuation, PAD, BOS, EOS and UNK.
        """
        return np.array(
            [
                token > UNK and (byte or is_word_character(piece[0]))
                for token, (piece, byte) in enumerate(zip(self._pieces, self.is_byte, strict=True))
            ]
        )

    @cached_property
    def opens_word(self) -> NDArray[np.bool_]:
        """Which pieces have a space before them, shape (vocabulary,)."""
        return np.array([piece.startswith(SPACE) for piece in self._pieces])

    @cached_property
    def is_byte(self) -> list[bool]:
        """Which pieces are bytes of characters that have no piece."""
        is_byte: list[bool] = self._processor.is_byte(list(range(self.vocabulary_size)))
        return is_byte

    @cached_property
    def characters(self) -> frozenset[str]:
        """The characters that have a piece, a space among them; others are spelt in bytes."""
        shown = (piece.translate(FROM_STAND_INS) for piece in self._pieces if piece != SPACE)
        return frozenset(character for character in shown if len(character) == 1) | {" "}

    @cached_property
    def _longest_piece(self) -> int:
        return max(map(len, self._pieces))

    @cached_property
    def _pieces(self) -> list[str]:
        pieces: list[str] = self._processor.id_to_piece(list(range(self.vocabulary_size)))
        return pieces

    @cached_property
    def _spelling(self) -> dict[str, list[int]]:
        """The id of every piece that spells text, without the bytes."""
        return {
            piece: [token]
            for token, piece in enumerate(self._pieces)
            if token > UNK and not self.is_byte[token]
        }

    def _ids(self, piece: str) -> list[int]:
        """The id of a piece, or those of the bytes of a character that has none."""
        ids = self._spelling.get(piece)
        if ids is None:
            ids = [self._first_byte + byte for byte in piece.encode()]
            self._spelling[piece] = ids
        return ids

    @cached_property
    def _first_byte(self) -> int:
        return self._pieces.index("<0x00>")

    def _sampler(self, rate: float) -> WordSampler:
        if rate not in self._samplers:
            tokens = [ids[0] for ids in self._spelling.values() if len(ids) == 1]
            values = self._processor.get_score(tokens)
            scores = {self._pieces[t]: score for t, score in zip(tokens, values, strict=True)}
            # BPE pieces are scored 0, -1, -2 ... as they were learned, others by log-probability.
            is_bpe = all(score == int(score) for score in scores.values())
            self._samplers[rate] = (BpeDropout if is_bpe else UnigramSampler)(scores, rate)
        return self._samplers[rate]


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig, path: Path) -> Tokenizer:
    """Learn a vocabulary and write it to a file; the same texts give the same bytes.

    Of more than a million texts, a million are drawn (always the same) to learn from.

    Args:
        texts: Sentences, of both languages for a joint vocabulary; normalised first.
        config: Kind and size.
        path: The file to write; complete or not there.

    Raises:
        TokenizerError: There is no text, or too little or too varied text for that many subwords.
    """
    import sentencepiece

    sentences = _sample_sentences(texts)
    if not sentences:
        raise TokenizerError("there is no text to train a tokenizer on")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type=config.kind,
            vocab_size=config.vocabulary_size,
            character_coverage=config.character_coverage,
            byte_fallback=True,
            normalization_rule_name="identity",
            max_sentence_length=MAX_TRAINING_SENTENCE_BYTES,
            shuffle_input_sentence=False,
            num_threads=1,  # two threads learn another model than one
            pad_id=PAD,
            bos_id=BOS,
            eos_id=EOS,
            unk_id=UNK,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise TokenizerError(_explain(str(error), config)) from error
    tokenizer = Tokenizer(model.getvalue(), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, model.getvalue())
    return tokenizer


def _processor(model: bytes, name: str) -> "SentencePieceProcessor":
    """Load a model and make sure that it is one of ours."""
    import sentencepiece

    sentencepiece.set_min_log_level(2)
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(model)
        processor.id_to_piece(list(range(processor.vocab_size())))
    except (RuntimeError, UnicodeDecodeError) as error:
        raise TokenizerError(
            f"{name}: the tokenizer is damaged ({len(model)} bytes that sentencepiece cannot "
            "read): copy it again, or train one with `nmt tokenizer`"
        ) from error
    ids = (processor.pad_id(), processor.bos_id(), processor.eos_id(), processor.unk_id())
    size = processor.vocab_size()
    if ids != (PAD, BOS, EOS, UNK) or sum(processor.is_byte(list(range(size)))) != 256:
        raise TokenizerError(
            f"{name}: a sentencepiece model, but not one made by `nmt tokenizer` (it must have "
            "byte fallback and PAD, BOS, EOS, UNK as ids 0 to 3): train one with that"
        )
    return processor


def _prepare(text: str) -> bytes:
    """A text as sentencepiece is given it."""
    try:
        return normalise(text).translate(TO_STAND_INS).encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"not Unicode text: a lone surrogate U+{ord(error.object[error.start]):04X} at "
            f"character {error.start + 1} of {text[:40]!a}: read the text as UTF-8"
        ) from error


def _sample_sentences(texts: Iterable[str]) -> list[bytes]:
    """Draw at most so many of the texts that are not empty, each as likely (Vitter 1985, R)."""
    draw = random.Random(1)
    sentences: list[bytes] = []
    seen = 0
    for text in texts:
        sentence = _prepare(text)
        if not sentence or len(sentence) > MAX_TRAINING_SENTENCE_BYTES:
            continue
        seen += 1
        if seen <= MAX_TRAINING_SENTENCES:
            sentences.append(sentence)
        elif (place := draw.randrange(seen)) < MAX_TRAINING_SENTENCES:
            sentences[place] = sentence
    return sentences


def _explain(message: str, config: TokenizerConfig) -> str:
    """What a user can do about an error of sentencepiece's trainer."""
    size = f"tokenizer.vocabulary_size is {config.vocabulary_size}"
    if found := re.search(r"Please set it to a value <= (\d+)", message):
        advice = f"set it to {found[1]} or less, or add more text"
        return f"{size}, but this text only gives {found[1]} subwords: {advice}"
    if found := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return (
            f"{size}, but the characters of this text and the bytes need {found[1]}: set it to "
            "that or more, or lower tokenizer.character_coverage"
        )
    return f"sentencepiece cannot learn a tokenizer from this text: {' '.join(message.split())}"


class Tokenizers(NamedTuple):
    """The tokenizer of each side; one and the same if they are joint."""

    source: Tokenizer
    target: Tokenizer
