"""What models make of a test set: translated and scored once, and kept beside the model."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from nmt.config import SearchConfig
from nmt.errors import NmtError
from nmt.evaluation.systems import Models
from nmt.evaluation.test_sets import HeldOut
from nmt.files import read_limited, write_atomically

FORMAT_VERSION = 1
_LARGEST = 2**26
"""Bytes of the translations of a test set that are read again."""


@dataclass(frozen=True)
class Outcome:
    """Translations of a test set, and what is known of them without their metrics.

    Attributes:
        texts: One for each sentence.
        perplexity: Of the models on the (first) references, for each target subword; None for
            translations that are no model's.
        searched_again: How many of the first search failed or lost a number (``search.robust``).
        copied: How many are a copy of the source, at least in part.
    """

    texts: tuple[str, ...]
    perplexity: float | None = None
    searched_again: int = 0
    copied: int = 0

    def keep(self, models: Models, search: SearchConfig, test_set: HeldOut) -> Path:
        """Write it into the folder of the (first) run: the translations, and beside them the rest.

        Returns:
            The file of the translations, one a line.

        Raises:
            OSError: They cannot be written there.
        """
        file = _file(models, test_set)
        content = "".join(f"{text}\n" for text in self.texts).encode()
        kept = asdict(self) | {"texts": _digest(content), "of": _key(models, search, test_set)}
        write_atomically(file, content)
        write_atomically(file.with_suffix(".json"), json.dumps(kept).encode())
        return file


def kept_outcome(models: Models, search: SearchConfig, test_set: HeldOut) -> Outcome | None:
    """The outcome that was kept; None if it is of other weights, another search or test set."""
    file = _file(models, test_set)
    try:
        kept = json.loads(read_limited(file.with_suffix(".json"), _LARGEST))
        content = read_limited(file, _LARGEST)
        if kept.pop("of") != _key(models, search, test_set) or kept["texts"] != _digest(content):
            return None
        return Outcome(**kept | {"texts": tuple(content.decode().split("\n")[:-1])})
    except (NmtError, OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None


def outcome_of(models: Models, search: SearchConfig, test_set: HeldOut) -> Outcome:
    """Translate a test set, and score its references by forced decoding.

    The perplexity is that of the models as they translate, over all that they may write: the
    shortlist is left out.

    Raises:
        NmtError: A run is damaged, or they have different tokenizers.
    """
    from nmt.translator.translator import Translator

    sources = test_set.sources or ()
    translator = Translator.load_ensemble(models.runs, search)
    found = translator.translate(sources)
    whole = search.model_copy(update={"shortlist": False})
    pairs = translator.score(sources, test_set.references, whole)
    logs = [log for pair in pairs for log in pair.log_probabilities]
    return Outcome(
        tuple(translation.text for translation in found),
        math.exp(min(-math.fsum(logs) / max(len(logs), 1), 700.0)),
        sum(translation.was_searched_again for translation in found),
        sum(translation.is_copied for translation in found),
    )


def _file(models: Models, test_set: HeldOut) -> Path:
    first, *others = models.runs
    partners = "".join(f".{run.path.resolve().name}" for run in others)
    return first.hypotheses_file(test_set.name + partners)


def _key(models: Models, search: SearchConfig, test_set: HeldOut) -> str:
    """Another one where the outcome may be another one."""
    fingerprints = [run.fingerprint() for run in models.runs]
    sides = [test_set.sources, test_set.references]
    depends_on = [FORMAT_VERSION, fingerprints, search.model_dump(mode="json"), sides]
    return _digest(json.dumps(depends_on).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
