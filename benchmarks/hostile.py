"""Hostile trials of nmt, as one command with its counts; it fails if anything went wrong.

    python benchmarks/hostile.py [--quick] [--only folders] ...

Strangers' model folders, fuzzed text, kills, signals, full disks and read-only folders, and a
server that gets malformed requests. Every command runs in a forked process of its own, without the
start-up of Python, and is measured by its CPU time. Linux only.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# Before NumPy starts threads, of which a forked process has none.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.pop("NMT_MODEL", None)
os.environ["HF_HUB_OFFLINE"] = "1"

import hostile_faults
import hostile_folders
import hostile_server
import hostile_text
from hostile_processes import Verdict

MODEL = Path(__file__).parent.parent / "checkpoints" / "fr-en"

Trials = Callable[[Path, Path, bool], Iterator[Verdict]]
"""From an empty folder, a good model and whether it has to be quick, a verdict for each case."""

TRIALS: dict[str, Trials] = {
    "folders": hostile_folders.trials,
    "text": hostile_text.trials,
    "server": hostile_server.trials,
    "faults": hostile_faults.trials,
}


def main() -> None:
    """Try all, print a table, and exit with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a part of the trials")
    parser.add_argument(
        "--only", action="append", choices=TRIALS, help="these trials; repeat for more"
    )
    parser.add_argument("--model", type=Path, default=MODEL, help="an exported model from fr to en")
    options = parser.parse_args()
    print(f"{'trials':10}{'tried':>8}{'refused':>9}{'wrong':>7}{'CPU s':>8}")
    wrong = 0
    for name in options.only or TRIALS:
        wrong += _tried(name, options.model.resolve(), options.quick)
    sys.exit(wrong > 0)


def _tried(name: str, model: Path, is_quick: bool) -> int:
    """Try one kind, print what was wrong and its row; returns how many cases were."""
    before_s = _cpu_s()
    with tempfile.TemporaryDirectory(prefix="nmt-hostile-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        os.mkdir(place := Path(folder) / "place")
        verdicts = []
        for each in TRIALS[name](place, model, is_quick):
            verdicts.append(each)
            if each.problem:
                print(f"  {each.name}: {each.problem}", flush=True)
    wrong = sum(bool(each.problem) for each in verdicts)
    refused = sum(each.is_refused and not each.problem for each in verdicts)
    print(f"{name:10}{len(verdicts):8,}{refused:9,}{wrong:7,}{_cpu_s() - before_s:8.1f}")
    return wrong


def _cpu_s() -> float:
    """CPU time of this process and of those that it started."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


if __name__ == "__main__":
    main()
