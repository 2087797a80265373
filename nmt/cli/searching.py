"""Options that change a key of a model's configuration: what they change is a list, applied once.

An option that is named after a key of the search is that key, and its help begins like the key's
docstring, as a test sees to: to import the sections would take longer than the rest of a help.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nmt.cli.options import option
from nmt.errors import ConfigError, SearchError

if TYPE_CHECKING:
    from nmt.config import Override, RunConfig

_DRAWING = ("temperature", "top_k", "top_p", "typical_p", "seed")


@dataclass(frozen=True)
class Changes:
    """What a command line changes of the configuration of a trained model."""

    settings: list[str] = option(
        "--set KEY=VALUE",
        "Override another key of the search, such as search.no_repeat=3. Repeat for more; "
        "`nmt train --keys search` lists them.",
        list,
    )

    sections: ClassVar[tuple[str, ...]] = ("search",)
    """Whose keys can be changed."""

    def applied(self, config: "RunConfig") -> "RunConfig":
        """A model's configuration, changed.

        Args:
            config: The model's; of several that translate together, the first's.

        Raises:
            ConfigError: A value is wrong, or contradicts another, or its key is in another section.
            SearchError: An option that is only for sampling was given without ``--sample``, or the
                width of a beam with it.
        """
        from nmt.config import SearchConfig, override, parse_override

        own = {
            key: value
            for key, value in vars(self).items()
            if key in SearchConfig.model_fields and value is not None and value is not False
        }
        overrides: list[Override] = [parse_override(setting) for setting in self.settings]
        overrides += [(f"search.{key}", value) for key, value in own.items()]
        changed = override(config, overrides)
        for name, _ in overrides:
            if name.partition(".")[0] not in self.sections:
                raise ConfigError(
                    f"--set {name}: a trained model keeps this as it is; only keys of "
                    f"{' and '.join(self.sections)} can be set here"
                )
        if changed.search.sample and "search.beam" in dict(overrides):
            raise SearchError("--beam is for searching and --sample draws at random: leave one out")
        for key in _DRAWING:
            if key in own and not changed.search.sample:
                flag = "--" + key.replace("_", "-")
                raise SearchError(f"{flag} is for drawing translations at random: add --sample")
        return changed


@dataclass(frozen=True)
class CorpusChanges(Changes):
    """The same, and of where its test set is."""

    settings: list[str] = option(
        "--set KEY=VALUE",
        "Override a key of the search or the corpus, such as corpus.test=dev. Repeat for more; "
        "`nmt train --keys` lists them.",
        list,
    )

    sections: ClassVar[tuple[str, ...]] = ("search", "corpus")


@dataclass(frozen=True)
class _Length:
    length_penalty: float | None = option(
        "--length-penalty X",
        "Scores are divided by length to this power; 0 for plain log-probabilities.",
    )


@dataclass(frozen=True)
class _Beam:
    beam: int | None = option(
        "--beam N",
        "Hypotheses kept at each step; 1 is greedy search. By default as the model says (5).",
    )


@dataclass(frozen=True)
class _Drawing(_Beam):
    n_best: int | None = option(
        "--n-best N",
        "Print the N best translations of each line, as LINE, SCORE and TEXT with tabs between, "
        "lines counted from 1. N is at most the beam.",
    )
    sample: bool = option(
        "--sample", "Draw translations at random instead of searching for the best.", False
    )
    temperature: float | None = option(
        "--temperature X", "Above 1 samples are more varied, below 1 more likely."
    )
    top_k: int | None = option("--top-k N", "Sample among this many likeliest subwords; 0 for all.")
    top_p: float | None = option(
        "--top-p P", "Sample among the likeliest subwords that together have this probability."
    )
    typical_p: float | None = option(
        "--typical-p P",
        "Sample among the most typical subwords that together have this probability (Meister et "
        "al. 2023).",
    )
    seed: int | None = option("--seed N", "Seed of the sampling.")


@dataclass(frozen=True)
class Scoring(Changes, _Length):
    """How given translations are scored."""


@dataclass(frozen=True)
class Searching(Changes, _Length, _Beam):
    """How a model searches."""


@dataclass(frozen=True)
class Evaluating(CorpusChanges, _Length, _Beam):
    """How a model searches, and on which test set."""


@dataclass(frozen=True)
class Translating(Changes, _Length, _Drawing):
    """How a model searches, or draws at random."""
