"""What training in several processes costs: tokens a second, and the exchange of gradients alone.

    python benchmarks/several_processes.py --corpus DIR [--processes 2] [--busy 0 1 4] ...

Runs `train_speed.py` in turns with one process of N threads and with N processes of one thread, on
the same global batches, beside 0, 1 and 4 processes that do nothing but keep a core busy, and
prints the medians and their ratios. Then N processes add up the gradients of that many parameters
and nothing else, in fp32 and in bf16: in memory that they share, as processes of one machine do,
and through sockets, as those of several. Nothing else should run meanwhile.

All options that it does not know go to `train_speed.py`, such as --steps 60 and --set KEY=VALUE.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRAIN_SPEED = Path(__file__).with_name("train_speed.py")
EXCHANGES = 20


def main() -> None:
    arguments, others = parse_arguments()
    if arguments.exchange:
        exchange(arguments.exchange)
        return
    count = arguments.processes
    program = [str(TRAIN_SPEED), *others]
    speeds: dict[tuple[int, int], list[float]] = {}
    for _ in range(arguments.rounds):
        for others_busy in arguments.busy:
            for processes in (1, count):
                with busy(others_busy):
                    said = measured(processes, count // processes, program)
                rate = number(r"([\d,]+) target tokens/s", said)
                speeds.setdefault((others_busy, processes), []).append(rate)
                shape = f"{processes} x {count // processes}"
                print(f"{shape} beside {others_busy} busy: {rate:,.0f} tokens/s", flush=True)
    for others_busy in arguments.busy:
        one, several = (statistics.median(speeds[others_busy, each]) for each in (1, count))
        print(
            f"beside {others_busy} busy: 1 process of {count} threads {one:,.0f}, "
            f"{count} processes {several:,.0f} tokens/s, ratio {several / one:.2f}"
        )
    parameters = round(number(r"([\d.]+) million parameters", said) * 1e6)
    print(measured(count, 1, [__file__, "--exchange", str(parameters)]), end="")


@contextmanager
def busy(count: int) -> Iterator[None]:
    """That many processes that each keep a core busy."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def measured(processes: int, threads: int, program: list[str]) -> str:
    """What a Python program prints, in that many processes of so many threads."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    done = subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), *program],
        # threads that wait sleep as soon as those of `nmt train`
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "10000"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1].replace(",", ""))


def exchange(parameters: int) -> None:
    """Add up gradients over the processes, in shared memory and through sockets."""
    import torch

    from nmt.training.distributed.group import SeveralWorkers
    from nmt.training.distributed.torchrun import joined

    weights = [torch.zeros(parameters)]
    with joined() as here:
        sockets = SeveralWorkers(here.rank, here.count, here.is_first, is_one_machine=False)
        for dtype in (torch.float32, torch.bfloat16):
            for place, workers in (("shared memory", here), ("sockets", sockets)):
                seconds = []
                for _ in range(EXCHANGES):
                    weights[0].grad = torch.ones(parameters)
                    started = time.perf_counter()
                    workers.add_up(weights, torch.zeros(()), dtype)
                    seconds.append(time.perf_counter() - started)
                if here.is_first:
                    middle = statistics.median(seconds)
                    print(f"{parameters:,} gradients, {dtype}: {1000 * middle:.1f} ms in {place}")
    moved = bytes_moved(parameters, here.count, torch.float32.itemsize)
    if here.is_first:
        print(f"through sockets {moved / 1e6:.1f} MB leave each process in float32, half in bf16")


def bytes_moved(parameters: int, processes: int, bytes_each: int) -> float:
    """Bytes that leave a process in a step, and as many that arrive: those of a ring."""
    return 2 * (processes - 1) / processes * parameters * bytes_each


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--exchange", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_known_args()


if __name__ == "__main__":
    main()
