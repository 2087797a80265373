"""Several processes of one machine that train one run, started by the training itself.

A machine that does other work takes a core from one of several threads now and then, and the
others wait for it at every product; processes wait for each other once a step.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from nmt.config import RunConfig
from nmt.data.processes import cores, end_with_parent, unheard
from nmt.errors import NmtError, TrainingError
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import keep_config
from nmt.training.distributed.group import SeveralWorkers, meet
from nmt.training.distributed.workers import ALONE, Workers
from nmt.training.loop import Interrupted
from nmt.training.progress import Reporter
from nmt.training.trainer import train

MOST_PROCESSES = 8
"""Started by default: the sentences of a batch of ordinary size keep no more than these busy."""
MEMORY_OF_A_PROCESS = 1 << 30
"""Bytes of the machine's memory that there are for each process, by default."""
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may take, where this is one and has a limit."""
LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def with_processes(run: RunDirectory, config: RunConfig) -> RunConfig:
    """The configuration with the number of processes, which stays with the run.

    The load of the machine has no part in it, for the last bits of the weights depend on it.

    Raises:
        TrainingError: Several are asked for, and a GPU too.
    """
    count = _processes_for(config)
    if count != config.training.processes:
        training = config.training.model_copy(update={"processes": count})
        config = config.model_copy(update={"training": training})
        keep_config(run, config)
    return config


def _processes_for(config: RunConfig) -> int:
    training = config.training
    has_gpu = training.device != "cpu" and torch.cuda.is_available()
    if training.processes > 1 and has_gpu:
        raise TrainingError(
            f"training.processes is {training.processes}, but they share the cores of a CPU: set "
            'training.device to "cpu", or start one for each GPU with torchrun'
        )
    if training.processes:
        return training.processes
    # gradients are added up in shared memory under Linux alone
    if has_gpu or sys.platform != "linux" or training.threads or "OMP_NUM_THREADS" in os.environ:
        return 1
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = CONTAINER_LIMIT.read_text().strip() if CONTAINER_LIMIT.is_file() else ""
    if limit.isdecimal():
        memory_bytes = min(memory_bytes, int(limit))
    return max(1, min(cores(), MOST_PROCESSES, memory_bytes // MEMORY_OF_A_PROCESS))


@contextmanager
def started(
    config: RunConfig, run: RunDirectory, resume: bool, workers: Workers
) -> Iterator[Workers]:
    """This process and those that it starts to train with it, ``training.processes`` in all.

    They end with it, and it with any of them. Processes that torchrun started stay as they are.

    Raises:
        NmtError: What another process failed with.
    """
    count = config.training.processes
    if workers is not ALONE or count == 1:
        yield workers
        return
    context = multiprocessing.get_context("spawn")
    processes: list[SpawnProcess] = []
    ends: list[Connection] = []
    try:
        with unheard():
            for rank in range(1, count):
                own, others = context.Pipe()
                arguments = others, rank, config, run, resume
                process = context.Process(target=_take_part, args=arguments)
                process.start()
                processes.append(process)
                ends.append(own)
        store = _store()
        for end in ends:
            end.send(store.port)
        _wait_for(processes, store)
        with _of_this_machine(store, 0, count) as together:
            yield together
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()
            process.join()


def _store() -> TCPStore:
    """Where the processes meet: nobody outside of this machine can reach it."""
    listening = socket.create_server(("127.0.0.1", 0))
    return TCPStore(
        "127.0.0.1",
        listening.getsockname()[1],
        is_master=True,
        wait_for_workers=False,
        master_listen_fd=listening.detach(),
    )


def _wait_for(processes: list[SpawnProcess], store: TCPStore) -> None:
    """Wait until all processes have come, for those that are gone never will."""
    while store.add("inside", 0) < len(processes):
        if any(process.exitcode is not None for process in processes):
            raise TrainingError(
                "a process that was to train along was killed or could not start, perhaps for lack "
                "of memory: take fewer with --set training.processes=1"
            )
        time.sleep(0.05)


@contextmanager
def _of_this_machine(store: TCPStore, rank: int, count: int) -> Iterator[SeveralWorkers]:
    """Meet the other processes of this machine, and share its cores with them."""
    if (loopback := LOOPBACK.get(sys.platform)) is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, cores() // count))
    with meet(store, rank, count, is_first_here=rank == 0, is_one_machine=True) as together:
        yield together


def _take_part(
    end: Connection, rank: int, config: RunConfig, run: RunDirectory, resume: bool
) -> None:
    """Train along in a process of its own, which says nothing: the first speaks for all."""
    end_with_parent()
    port = end.recv()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    store = TCPStore("127.0.0.1", port, is_master=False)
    store.add("inside", 1)
    try:
        with _of_this_machine(store, rank, config.training.processes) as workers:
            train(config, run, resume=resume, reporter=Reporter(), workers=workers)
    except (NmtError, OSError, Interrupted, KeyboardInterrupt):
        sys.exit(1)
