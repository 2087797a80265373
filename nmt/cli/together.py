"""Which options go together: one table for all commands."""

from collections.abc import Collection
from typing import NamedTuple

from nmt.errors import SearchError

SHARDS = "--input of shards"
"""What `nmt.cli.translate.files.Files` has where it is not one file of lines."""


class Rule(NamedTuple):
    """What an option is not given without, and what it is not given with, by name."""

    needs: str = ""
    apart: tuple[str, ...] = ()


_CONSTRAINTS = ("--prefix", "--require", "--forbid", "--glossary")
_KINDS = ("--json", "--n-best", "--alignments", "--attention", "--alternatives", "--markup")
"""What `nmt translate` writes in the place of a text, or beside it."""

RULES: dict[str, dict[str, Rule]] = {
    "translate": {
        "TEXT": Rule(apart=("--input", "--output")),
        SHARDS: Rule("--output", (*_KINDS, *_CONSTRAINTS, "a second --model")),
        "--alternatives": Rule(
            "TEXT",
            (*_CONSTRAINTS[1:], "--alignments", "--markup", "--n-best", "--sample", "--attention"),
        ),
        "--at": Rule("--alternatives", ("--prefix",)),
        "--markup": Rule(
            apart=("--prefix", "--require", "--sample", "--resume", *_KINDS[:4]),
        ),
        "--alignments": Rule(apart=("--n-best", "--output")),
        "--attention": Rule("TEXT"),
        "--subwords": Rule("--attention"),
        "--resume": Rule("--output"),
        "--column": Rule(SHARDS),
        "--engine": Rule(SHARDS),
        "--workers": Rule("--engine ray"),
    },
    "score": {
        "--source": Rule("--target", ("SOURCE TARGET",)),
        "--target": Rule("--source"),
    },
    "explain": {"--html": Rule(apart=("--json",))},
    "evaluate": {"SYSTEM": Rule(apart=("--model",))},
}


def refuse_apart(command: str, given: Collection[str]) -> None:
    """Refuse options that do not go together.

    Args:
        command: The name of the command's function.
        given: The names of its options that were given.

    Raises:
        SearchError: Which two these are.
    """
    for name, rule in RULES.get(command, {}).items():
        if name not in given:
            continue
        for other in rule.apart:
            if other in given:
                raise SearchError(f"{name} and {other} do not go together: leave one out")
        if rule.needs and rule.needs not in given:
            raise SearchError(f"{name} needs {rule.needs}: add it, or leave {name} out")
