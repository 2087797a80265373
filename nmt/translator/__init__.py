"""Text in, text out: what a user asks of a model, and what comes back.

``loading`` finds the model; ``segments`` divides texts into what is translated at a time;
``batched_search`` runs the one search over them; ``assembly`` puts the texts together again.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nmt.translator.constraints import TextConstraints
    from nmt.translator.glossary import Glossary
    from nmt.translator.results import ScoredPair, TranslatedHypothesis, Translation
    from nmt.translator.translator import Translator

_HOMES = {
    "Glossary": "glossary",
    "ScoredPair": "results",
    "TextConstraints": "constraints",
    "TranslatedHypothesis": "results",
    "Translation": "results",
    "Translator": "translator",
}

__all__ = [
    "Glossary",
    "ScoredPair",
    "TextConstraints",
    "TranslatedHypothesis",
    "Translation",
    "Translator",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
