"""What the processes of one training tell each other, through torch.distributed.

Every step moves the gradients, added up, and three numbers. All else is rare: what the first
process did, in JSON, and at the start the weights.
"""

import json
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from typing_extensions import override

from nmt.data.batches import Batch
from nmt.errors import NmtError, TrainingError
from nmt.training.distributed.allreduce import (
    Lost,
    MemorySums,
    NetworkSums,
    Sums,
    shared_memory,
    together,
)
from nmt.training.distributed.workers import Result, Workers

_LONGEST_STEP = timedelta(minutes=10)
"""After this long in an exchange of gradients, another machine is taken to be gone."""
_LONGEST_WAIT = timedelta(days=7)
"""For what only the first process does: preparing ten million pairs, trying the weights."""
_FAILURE = "failure"


class SeveralWorkers(Workers):
    """The processes that torchrun or the training itself started.

    Args:
        rank: Number of this process.
        count: How many there are.
        is_first_here: Whether it is the first of its machine.
        is_one_machine: Whether all of them are on this one.
    """

    def __init__(self, rank: int, count: int, is_first_here: bool, is_one_machine: bool) -> None:
        self.rank = rank
        self.count = count
        self._turn = 0 if rank == 0 else 1 if is_first_here else 2
        self._is_one_machine = is_one_machine
        self._sums: dict[tuple[int, torch.dtype], Sums] = {}
        # numbers and words travel over gloo from CPU to CPU, whatever the gradients do
        self._patient = dist.new_group(backend="gloo", timeout=_LONGEST_WAIT)

    @override
    def first_does(self, work: Callable[[], Result]) -> Result:
        text = json.dumps(work()).encode() if self.is_first else b""
        size = torch.tensor(len(text))
        with together():
            dist.broadcast(size, 0, group=self._patient)
            content = torch.frombuffer(bytearray(text.ljust(int(size))), dtype=torch.uint8)
            dist.broadcast(content, 0, group=self._patient)
        return json.loads(content.numpy().tobytes())  # type: ignore[no-any-return]

    @override
    def in_turn(self, work: Callable[[], Result]) -> Result:
        for turn in range(3):
            if turn == self._turn:
                result = work()
            with together():
                dist.barrier(group=self._patient)
        return result

    @override
    def take_from_first(self, tensors: Mapping[str, Tensor]) -> None:
        with together():
            for tensor in tensors.values():
                dist.broadcast(tensor, 0)

    @override
    def shares(self, batches: Sequence[Batch]) -> list[Batch]:
        # The rows of a batch are sorted by length: every so manieth makes shares that are alike.
        # Who has one row more than others takes turns.
        parts = [
            Batch(*(side[(self.rank + number) % self.count :: self.count] for side in batch))
            for number, batch in enumerate(batches)
        ]
        return [part for part in parts if len(part.source)]

    @override
    def add_up(self, parameters: Sequence[Tensor], loss: Tensor, dtype: torch.dtype) -> None:
        gradients = [p.new_zeros(p.shape) if p.grad is None else p.grad for p in parameters]
        sums = self._sums_for(gradients, dtype).of(gradients, loss)
        for parameter, total in zip(parameters, sums, strict=True):
            parameter.grad = total

    def _sums_for(self, gradients: Sequence[Tensor], dtype: torch.dtype) -> Sums:
        """The same in every step: new memory costs as much as the sums."""
        size = sum(gradient.numel() for gradient in gradients), dtype
        if size not in self._sums:
            self._sums[size] = self._new_sums(*size, gradients[0].device)
        return self._sums[size]

    def _new_sums(self, numbers: int, dtype: torch.dtype, device: torch.device) -> Sums:
        if self._is_one_machine and device.type == "cpu":
            memory = shared_memory(MemorySums.size_bytes(numbers, dtype), self.first_does)
            if memory is not None:
                return MemorySums(memory, numbers, dtype)
        return NetworkSums(numbers, dtype, device)

    @override
    def agree(self, elapsed_s: float, stops: bool) -> tuple[float, bool]:
        told = torch.tensor([elapsed_s * self.is_first, stops], dtype=torch.float64)
        with together():
            dist.all_reduce(told, group=self._patient)
        elapsed_s, asked = told.tolist()
        return elapsed_s, asked > 0


@contextmanager
def join(local_rank: int, local_count: int) -> Iterator[SeveralWorkers]:
    """Meet the other processes that torchrun started.

    Args:
        local_rank: Number of this process on its machine, and of the GPU it takes if there are any.
        local_count: How many are on its machine.

    Raises:
        NmtError: What another process failed with.
    """
    everyones, rank, count = next(rendezvous("env://"))
    store = _room(everyones, rank, count)
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank)
    with meet(store, rank, count, local_rank == 0, is_one_machine=local_count == count) as workers:
        yield workers


@contextmanager
def meet(
    store: Store, rank: int, count: int, is_first_here: bool, is_one_machine: bool
) -> Iterator[SeveralWorkers]:
    """Meet the other processes of a training.

    Whoever fails says with what before it leaves, so that those who miss it can say so too.

    Args:
        store: What all of them see, and no other training.
        rank: Number of this process.
        count: How many there are.
        is_first_here: Whether it is the first of its machine.
        is_one_machine: Whether all of them are on this one.

    Raises:
        NmtError: What another process failed with.
    """
    try:
        with together():
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(
                backend, store=store, rank=rank, world_size=count, timeout=_LONGEST_STEP
            )
        yield SeveralWorkers(rank, count, is_first_here, is_one_machine)
    except Lost as loss:
        _end_of_ones_own()
        if store.check([_FAILURE]):
            raise TrainingError(store.get(_FAILURE).decode()) from loss
        raise TrainingError(
            f"another process of this training is gone ({loss}): the run is as it was last saved; "
            "--resume goes on from there, and torchrun does so by itself with --max-restarts"
        ) from loss
    except (NmtError, OSError) as error:
        _end_of_ones_own()
        store.set(_FAILURE, str(error))
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _room(store: Store, rank: int, count: int) -> Store:
    """The part of torchrun's store that belongs to this start of the processes.

    After a restart the store still holds what earlier processes left, their addresses among it, and
    torchrun's count of restarts is not the same on every machine. So the first process names a new
    room, and says when all are in it; whoever finds itself in an old one, which is full or where
    nobody says so, waits for the new name.
    """
    if rank == 0:
        store.set("room", uuid.uuid4().hex)
    while True:
        name = store.get("room")
        room = PrefixStore(name.decode(), store)
        place = room.add("inside", 1)
        while store.get("room") == name:
            if rank == 0 and room.add("inside", 0) == count:
                room.set("all", "inside")
            if place <= count and room.check(["all"]):
                return room
            time.sleep(0.05)


def _end_of_ones_own() -> None:
    """Let torchrun's request to end, which follows when a process has failed, change nothing."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
