"""The sums of gradients over processes: across a network, or in memory that they share.

Gloo moves everything through sockets, between processes of one machine too, where adding numbers
up in memory that all of them see takes less than half of the time (docs/several-machines.md).
"""

import mmap
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from typing_extensions import override

_NUMBERS_AT_ONCE = 4_000_000
"""Beyond 32 MB the memory that gloo takes is fresh for every sum, and that takes twice the time."""

_NO_FILE = -1


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


class Sums(ABC):
    """Where the gradients of all processes are added up, the same memory in every step."""

    @abstractmethod
    def of(self, gradients: list[Tensor], loss: Tensor) -> list[Tensor]:
        """Add up over the processes; all of them call it, and get the same bits.

        Args:
            gradients: This process's; may be overwritten.
            loss: A scalar, which becomes the sum.

        Returns:
            Sums of the gradients' shapes and type. Only to be read, until the next call: other
            processes may see the same memory.

        Raises:
            Lost: A process is gone.
        """


class NetworkSums(Sums):
    """Sums that torch.distributed makes, of processes anywhere.

    Args:
        numbers: In all gradients.
        dtype: In which they travel and are added up.
        device: Where the gradients are.
    """

    def __init__(self, numbers: int, dtype: torch.dtype, device: torch.device) -> None:
        self._together = torch.empty(numbers, dtype=dtype, device=device)

    @override
    def of(self, gradients: list[Tensor], loss: Tensor) -> list[Tensor]:
        sums = _views(self._together, gradients)
        torch._foreach_copy_(sums, gradients)
        pieces = [*torch.split(self._together, _NUMBERS_AT_ONCE), loss]
        with together():
            for exchange in [dist.all_reduce(piece, async_op=True) for piece in pieces]:
                exchange.wait()
        return [each.to(loss.dtype) for each in sums]


class MemorySums(Sums):
    """Sums in memory that processes of one machine share: each adds up a part of the numbers.

    Args:
        memory: What all of them see, of at least `size_bytes`.
        numbers: In all gradients.
        dtype: In which each process puts its gradients down; they are added up in float32.
    """

    def __init__(self, memory: mmap.mmap, numbers: int, dtype: torch.dtype) -> None:
        rank, count = dist.get_rank(), dist.get_world_size()
        self._totals = torch.frombuffer(memory, dtype=torch.float32, count=numbers)
        addends = torch.frombuffer(
            memory, dtype=dtype, count=count * numbers, offset=self._totals.nbytes
        ).view(count, numbers)
        self._own = addends[rank]
        share = slice(numbers * rank // count, numbers * (rank + 1) // count)
        self._own_totals, self._own_addends = self._totals[share], addends[:, share]

    @staticmethod
    def size_bytes(numbers: int, dtype: torch.dtype) -> int:
        """What the totals and the gradients of every process take."""
        return numbers * (torch.float32.itemsize + dist.get_world_size() * dtype.itemsize)

    @override
    def of(self, gradients: list[Tensor], loss: Tensor) -> list[Tensor]:
        torch._foreach_copy_(_views(self._own, gradients), gradients)
        with together():
            dist.all_reduce(loss)  # nobody has it before all have put their gradients down
        self._own_totals.copy_(self._own_addends[0])
        for addend in self._own_addends[1:]:
            self._own_totals += addend
        with together():
            dist.all_reduce(torch.zeros(()))  # nor this before all have added up their part
        # Nobody writes totals again before all have put their next gradients down.
        return _views(self._totals, gradients)


def shared_memory(
    size_bytes: int, first_does: Callable[[Callable[[], list[int]]], list[int]]
) -> mmap.mmap | None:
    """Memory that all processes of this machine see; None if one of them cannot.

    It has no name, needs no room on a disk, and is gone with the last of them, however it ends.

    Args:
        size_bytes: How much.
        first_does: Has the first process do something and gives every one what came of it.
    """
    process, file = first_does(lambda: [os.getpid(), _unnamed_file(size_bytes)])
    memory = None if file == _NO_FILE else _mapped(Path(f"/proc/{process}/fd/{file}"), size_bytes)
    seen = torch.tensor(memory is not None, dtype=torch.int32)
    with together():
        dist.all_reduce(seen, dist.ReduceOp.MIN)
    if dist.get_rank() == 0 and file != _NO_FILE:
        os.close(file)
    return memory if seen else None


def _unnamed_file(size_bytes: int) -> int:
    """Number of a new file in memory, `_NO_FILE` where the system gives none."""
    if not hasattr(os, "memfd_create"):
        return _NO_FILE
    try:
        file = os.memfd_create("nmt-gradients")
    except OSError:
        return _NO_FILE
    try:
        os.ftruncate(file, size_bytes)
    except OSError:
        os.close(file)
        return _NO_FILE
    return file


def _mapped(file: Path, size_bytes: int) -> mmap.mmap | None:
    """A file as memory; None where it cannot be seen, as in a container of its own."""
    try:
        with file.open("r+b") as opened:
            return mmap.mmap(opened.fileno(), size_bytes)
    except (OSError, ValueError):
        return None


def _views(together: Tensor, gradients: Sequence[Tensor]) -> list[Tensor]:
    """The parts of a flat tensor that take the gradients, one after another."""
    parts = torch.split(together, [each.numel() for each in gradients])
    return [part.view_as(each) for part, each in zip(parts, gradients, strict=True)]
