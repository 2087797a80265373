"""Neural machine translation with recurrent networks: from sentence pairs to a translator.

A trained model translates in three lines:

    import nmt

    translator = nmt.load("checkpoints/starter")
    print(translator.translate(["Je suis étudiant."])[0].text)
"""

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmt.bulk import BatchTranslator
    from nmt.config import SearchConfig
    from nmt.translator import Glossary, TextConstraints, Translator

__version__ = "0.1.0"

__all__ = [
    "BatchTranslator",
    "Glossary",
    "SearchConfig",
    "TextConstraints",
    "Translator",
    "load",
]

_HOMES = {
    "BatchTranslator": "nmt.bulk",
    "Glossary": "nmt.translator",
    "SearchConfig": "nmt.config",
    "TextConstraints": "nmt.translator",
    "Translator": "nmt.translator",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def load(
    *directories: str | PathLike[str],
    to: str = "",
    from_: str = "",
    options: "SearchConfig | None" = None,
    threads: int | None = None,
) -> "Translator":
    """Load a trained model, ready to translate.

    Args:
        directories: The folder of its run. Several are translated with together, by the mean of
            their probabilities. None for the run that ``nmt translate`` takes by itself: what the
            environment variable NMT_MODEL names, else the one under ``checkpoints/`` that was
            trained last, else the one that came with nmt.
        to: The language to translate into, such as ``fr``; empty for any.
        from_: The language to translate from, likewise.
        options: How to search, where a call does not say; None for what the run's recipe says.
        threads: Batches that an exported model translates at a time; None for as many as there are
            cores. Torch, where it is not exported, has threads of its own.

    Raises:
        RunError: There is no such run, or it is unfinished or damaged, or translates otherwise, or
            several have different tokenizers.
    """
    from pathlib import Path

    from nmt.runs.finding import Direction, chosen_runs
    from nmt.translator.translator import Translator

    runs = chosen_runs(list(map(Path, directories)), Direction(from_, to))
    return Translator.load_ensemble(runs, options, threads)
