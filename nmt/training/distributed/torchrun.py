"""Which processes torchrun started to train one run, and which of them this is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nmt.training.distributed.workers import ALONE, Workers


@contextmanager
def joined() -> Iterator[Workers]:
    """The processes that torchrun started, once all are there; without torchrun this one alone.

    Raises:
        NmtError: What another process failed with, in those that miss it.
    """
    if not _is_under_torchrun():
        yield ALONE
        return
    from nmt.training.distributed.group import join

    with join(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])) as workers:
        yield workers


def is_spokesman() -> bool:
    """Whether this process tells people of errors: of those on one machine, the first does."""
    return not _is_under_torchrun() or os.environ["LOCAL_RANK"] == "0"


def note_begin() -> None:
    """Leave word for the processes that torchrun may start in the place of these."""
    if (word := _word()) is not None:
        word.touch()


def is_started_again() -> bool:
    """Whether torchrun started these processes in the place of others that had begun."""
    return (word := _word()) is not None and word.exists()


def _is_under_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _word() -> Path | None:
    """A file that lives as long as this torchrun; None without one, or where it keeps no files."""
    file = Path(os.environ.get("TORCHELASTIC_ERROR_FILE", os.devnull))
    # of process 0 in the first attempt it is FOLDER/attempt_0/0/error.json
    return file.parents[2] / "nmt-has-begun" if len(file.parents) > 3 else None
