"""What a request is answered: translations of sentences put together, and where words are."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Required

import numpy as np
from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict

from nmt.server.errors import Refused
from nmt.text.language_id import Detection
from nmt.text.sentences import DividedText
from nmt.text.words import words_and_marks
from nmt.translator.next_words import NextWord
from nmt.translator.results import TranslatedHypothesis, Translation

DECIMALS = 4
ESCAPED = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
"""What no answer holds as it is: whatever takes JSON for HTML finds no tag in it."""

Place = Annotated[int, Field(ge=0, description="In code points.")]


class Word(TypedDict):
    """A word, and where it is in its text."""

    text: str
    start: Place
    end: Place


class TranslatedWord(Word):
    """A word of a translation; null where the model has no attention."""

    source: Annotated[
        list[float] | None,
        Field(description="The attention weight of each word of the text, together at most 1."),
    ]


class Hypothesis(TypedDict):
    """A translation of a text; its score is what it was ranked by."""

    text: str
    score: float
    log_probability: float
    words: list[TranslatedWord]


class Details(TypedDict):
    """The words of a text, and its translations, best first."""

    source: list[Word]
    hypotheses: list[Hypothesis]


class TranslateAnswer(TypedDict, total=False):
    """Of one text, or lists where the texts came as a list."""

    translatedText: Required[str | list[str]]
    alternatives: list[str] | list[list[str]]
    detectedLanguage: Detection | list[Detection]
    details: Details | list[Details]


class NextAnswerWord(TypedDict):
    """What may come next; empty where the translation ends."""

    word: str
    probability: float


class NextAnswer(TypedDict):
    """The next words, likeliest first."""

    next: list[NextAnswerWord]


class Language(TypedDict):
    """A language, and what it is translated into."""

    code: str
    name: str
    targets: list[str]


class Error(TypedDict):
    """One line that says what is wrong."""

    error: str


def json_answer(value: Any, status: int = 200) -> Response:
    """An answer with a value."""
    body = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    for character, escape in ESCAPED:
        body = body.replace(character, escape)
    return Response(body, status, media_type="application/json")


def refusal(refused: Refused, closes: bool = False) -> Response:
    """The answer to a request that is not done, and whether it ends the connection anyhow."""
    answer = json_answer({"error": refused.reason}, refused.status)
    if refused.retry_after_s is not None:
        answer.headers["retry-after"] = str(refused.retry_after_s)
    if closes or refused.status in (408, 413):
        answer.headers["connection"] = "close"  # for there may be more of the body
    return answer


def joined_texts(text: DividedText, translations: Sequence[Translation]) -> list[str]:
    """The translations of a text, best first: the n-th of the n-th of each of its sentences."""
    return [text.joined([part.text for part in parts])[0] for parts in _ranked(translations)]


def details(text: DividedText, translations: Sequence[Translation]) -> Details:
    """What is known of a text and its translations.

    Args:
        text: In sentences.
        translations: Of its sentences, made with alignments.

    Returns:
        ``source`` has the words of the text and ``hypotheses`` the translations, best first, each
        with its words and, for each of them, its attention weights over the words of the text.
    """
    source = [
        _located(_source_words(translation), sentence.text, sentence.start)
        for sentence, translation in zip(text.sentences, translations, strict=True)
    ]
    return {
        "hypotheses": [_hypothesis(text, parts, source) for parts in _ranked(translations)],
        "source": [word for words in source for word in words],
    }


def next_words(found: Sequence[NextWord]) -> NextAnswer:
    """What a translation may go on with."""
    return {
        "next": [
            {"word": word.text, "probability": round(word.probability, 2 * DECIMALS)}
            for word in found
        ]
    }


def _ranked(translations: Sequence[Translation]) -> list[list[TranslatedHypothesis]]:
    """The hypotheses of the sentences of a text for each of its translations, best first.

    A sentence that has fewer than others, such as one that is copied, goes on with its last.
    """
    most = max((len(translation.hypotheses) for translation in translations), default=1)
    each = (translation.hypotheses for translation in translations)
    filled = [(*found, *[found[-1]] * (most - len(found))) for found in each]
    return [[found[rank] for found in filled] for rank in range(most)]


def _hypothesis(
    text: DividedText, parts: Sequence[TranslatedHypothesis], source: Sequence[list[Word]]
) -> Hypothesis:
    """One translation of a text, from those of its sentences."""
    words: list[TranslatedWord] = []
    total = sum(map(len, source))
    before = 0  # source words of the sentences before
    joined, starts = text.joined([part.text for part in parts])
    for part, start, of_source in zip(parts, starts, source, strict=True):
        of_target = _located(_target_words(part), part.text, start)
        around = [0] * before, [0] * (total - before - len(of_source))
        for word, weights in zip(of_target, _weights(part, len(of_target)), strict=True):
            attended = None if weights is None else [*around[0], *weights, *around[1]]
            words.append({**word, "source": attended})
        before += len(of_source)
    pieces = sum(len(part.pieces) for part in parts)
    # A single sentence has the score that it was ranked by; several the mean of their subwords'.
    score = sum(part.score * len(part.pieces) for part in parts) / max(1, pieces)
    return {
        "text": joined,
        "score": round(parts[0].score if len(parts) == 1 else score, DECIMALS),
        "log_probability": round(sum(part.log_probability for part in parts), DECIMALS),
        "words": words,
    }


def _located(words: Sequence[str], text: str, start: int) -> list[Word]:
    spans = Finder(text, start).spans(words)
    return [
        {"text": word, "start": begin, "end": end}
        for word, (begin, end) in zip(words, spans, strict=True)
    ]


def _source_words(translation: Translation) -> list[str]:
    alignment = translation.hypotheses[0].alignment
    if alignment is None:
        return words_and_marks(translation.source)
    return [unit.text for unit in alignment.source_units]


def _target_words(hypothesis: TranslatedHypothesis) -> list[str]:
    if hypothesis.alignment is None:
        return words_and_marks(hypothesis.text)
    return [unit.text for unit in hypothesis.alignment.target_units]


def _weights(hypothesis: TranslatedHypothesis, words: int) -> Sequence[list[float] | None]:
    """The attention weights of each target word over its sentence; None without attention."""
    if hypothesis.alignment is None:
        return [None] * words
    weights: list[list[float] | None] = (
        hypothesis.alignment.shares.astype(np.float64).round(DECIMALS).tolist()
    )
    return weights


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
