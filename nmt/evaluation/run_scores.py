"""A test set translated and scored; the translations are kept in the run, for the next page."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.config import RunConfig, SearchConfig
from nmt.data.bitext import read_split
from nmt.evaluation.metrics import Evaluation, evaluate
from nmt.files import write_atomically
from nmt.runs.directory import RunDirectory
from nmt.translator.translator import Translator

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Scores:
    """What a run makes of sentences that it has not learned from.

    Attributes:
        split: Their name in the corpus.
        is_test: They decided nothing; False for the dev set, which decided what weights are kept.
        languages: Codes of the languages translated from and into.
        sources: What was translated.
        references: What a person wrote for each.
        hypotheses: What the model made of each.
        evaluation: How good that is.
    """

    split: str
    is_test: bool
    languages: tuple[str, str]
    sources: tuple[str, ...]
    references: tuple[str, ...]
    hypotheses: tuple[str, ...]
    evaluation: Evaluation


def score_run(
    run: RunDirectory, config: RunConfig, translator: Translator, note: Callable[[str], None]
) -> Scores:
    """Translate the test set of a run, or its dev set if it has none, and score that.

    Args:
        run: Whose. The translations are kept in its folder, and taken from there while its
            weights, the search and the sentences are the same.
        config: The run's.
        translator: The run's.
        note: Told what takes a while.

    Raises:
        NmtError: The corpus is not where it was, or the run is damaged.
    """
    corpus = config.corpus
    split = corpus.test or corpus.dev
    pairs = read_split(corpus, split)
    sources, references = tuple(pairs["source"]), tuple(pairs["target"])
    key = _key(run, translator.options, sources)
    hypotheses = _kept(run.translations_file, key)
    if hypotheses is None:
        note(f"translating the {len(sources):,} sentences of {split}")
        hypotheses = tuple(translation.text for translation in translator.translate(sources))
        kept = {"key": key, "translations": hypotheses}
        try:
            write_atomically(run.translations_file, json.dumps(kept, ensure_ascii=False).encode())
        except OSError as error:  # a run may be where one only reads
            note(f"translations not kept: {run.translations_file}: {error.strerror}")
    evaluation = evaluate(hypotheses, references, sources, corpus.target)
    languages = corpus.source, corpus.target
    return Scores(split, bool(corpus.test), languages, sources, references, hypotheses, evaluation)


def _key(run: RunDirectory, search: SearchConfig, sources: Sequence[str]) -> str:
    """Another one where the translations may be other ones."""
    depends_on = [FORMAT_VERSION, run.fingerprint(), search.model_dump(mode="json"), *sources]
    return hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()


def _kept(file: Path, key: str) -> tuple[str, ...] | None:
    """The translations that an earlier page was made from; None where they are others, or none."""
    try:
        kept = json.loads(file.read_bytes())
        return tuple(kept["translations"]) if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
