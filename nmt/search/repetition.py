"""Telling a translation that went round in circles from one that did not."""

from collections.abc import Sequence

SHORTEST_LOOP = 8
"""Tokens that a repeated run has to cover together."""
FEWEST_TURNS = 3
FEWEST_REPEATED = SHORTEST_LOOP - 2
"""Tokens of a loop that stood in it before: a run of 2 has to come four times."""


def has_loop(tokens: Sequence[int]) -> bool:
    """Whether a run of tokens stands three times in a row or more, and fills eight tokens so."""
    if len(tokens) - len(set(tokens)) < FEWEST_REPEATED:  # most texts, so that is all it takes
        return False
    for length in range(1, len(tokens) // FEWEST_TURNS + 1):
        same = 0  # tokens so far that are what stands one run before
        for token, before in zip(tokens[length:], tokens, strict=False):
            same = same + 1 if token == before else 0
            if same + length >= max(SHORTEST_LOOP, FEWEST_TURNS * length):
                return True
    return False
