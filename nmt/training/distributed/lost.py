"""What is done by all processes of a training together, and fails where one of them is gone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class Lost(Exception):
    """Another process is gone, or does not answer."""


@contextmanager
def together() -> Iterator[None]:
    """A call of torch.distributed that all processes make.

    Raises:
        Lost: One of them is gone.
    """
    try:
        yield
    except RuntimeError as error:
        # such as "[/gloo/pair.cc:537] Read error [10.0.0.2]:5005: Connection reset. This is ..."
        reason = re.sub(r"^\[\S+\] ", "", str(error).partition("\n")[0])
        raise Lost(reason.partition(". ")[0]) from error
