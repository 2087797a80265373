"""What a request comes to: the translations of sentences put together to those of texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nmt.server.words import Finder
from nmt.text.sentences import DividedText
from nmt.text.words import words_and_marks
from nmt.translator.next_words import NextWord
from nmt.translator.results import TranslatedHypothesis, Translation

DECIMALS = 4

Words = list[dict[str, Any]]


def joined_texts(text: DividedText, translations: Sequence[Translation]) -> list[str]:
    """The translations of a text, best first: the n-th of the n-th of each of its sentences."""
    return [text.joined([part.text for part in parts])[0] for parts in _ranked(translations)]


def details(text: DividedText, translations: Sequence[Translation]) -> dict[str, Any]:
    """What is known of a text and its translations.

    Args:
        text: In sentences.
        translations: Of its sentences, made with alignments.

    Returns:
        ``source`` has the words of the text and ``hypotheses`` the translations, best first, each
        with its words and, for each of them, what share of its looks each word of the text got.
    """
    source = [
        _located(_source_words(translation), sentence.text, sentence.start)
        for sentence, translation in zip(text.sentences, translations, strict=True)
    ]
    return {
        "hypotheses": [_hypothesis(text, parts, source) for parts in _ranked(translations)],
        "source": [word for words in source for word in words],
    }


def next_words(found: Sequence[NextWord]) -> dict[str, Any]:
    """What a translation may go on with."""
    words = [
        {"word": word.text, "probability": round(word.probability, 2 * DECIMALS)} for word in found
    ]
    return {"next": words}


def _ranked(translations: Sequence[Translation]) -> list[list[TranslatedHypothesis]]:
    """The hypotheses of the sentences of a text for each of its translations, best first.

    A sentence that has fewer than others, such as one that is copied, goes on with its last.
    """
    most = max((len(translation.hypotheses) for translation in translations), default=1)
    each = (translation.hypotheses for translation in translations)
    filled = [(*found, *[found[-1]] * (most - len(found))) for found in each]
    return [[found[rank] for found in filled] for rank in range(most)]


def _hypothesis(
    text: DividedText, parts: Sequence[TranslatedHypothesis], source: Sequence[Words]
) -> dict[str, Any]:
    """One translation of a text, from those of its sentences."""
    words: Words = []
    total = sum(map(len, source))
    before = 0  # source words of the sentences before
    joined, starts = text.joined([part.text for part in parts])
    for part, start, of_source in zip(parts, starts, source, strict=True):
        of_target = _located(_target_words(part), part.text, start)
        around = [0] * before, [0] * (total - before - len(of_source))
        for word, weights in zip(of_target, _weights(part, len(of_target)), strict=True):
            looked = None if weights is None else [*around[0], *weights, *around[1]]
            words.append(word | {"source": looked})
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


def _located(words: Sequence[str], text: str, start: int) -> Words:
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
    """How each target word shared out its looks among its sentence; None without attention."""
    if hypothesis.alignment is None:
        return [None] * words
    weights: list[list[float] | None] = (
        hypothesis.alignment.shares.astype(np.float64).round(DECIMALS).tolist()
    )
    return weights
