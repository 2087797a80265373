"""Training speed of nmt, OpenNMT-py and JoeyNMT on the same text, in turns.

    python benchmarks/train_peers.py --corpus DIR [--turns 3] [--steps 10] [--only NAME] ...

Installs OpenNMT-py and JoeyNMT first, each into an environment of its own, if they are not there
(2 GB, some minutes). Then each row trains the reference shape of train_speed.py for a few steps in
a process of its own, with the same subwords, the same threads, and batches of about 1,000 target
tokens: the peers in fp32 with input feeding, which is what they have; nmt in bf16 and in fp32, and
with input feeding too. The rows take turns, so that what else the machine does meets all alike.
Nothing else should run meanwhile. Three turns on two cores are about 7 minutes.

Prints the median over the turns, the lowest and the highest of target tokens a second (the end of a
sentence counts, padding does not; the first steps do not, nor what comes before them), how many
times each peer that is, and the peak memory of a process, with loading and preparing.
"""

import argparse
import inspect
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import joeynmt
import measuring
import opennmt
from decode_speed import machine, say, table
from train_speed import REFERENCE_SHAPE

HERE = Path(__file__).resolve().parent
OWN = {
    "nmt bf16": ["training.precision=bf16"],
    "nmt fp32": ["training.precision=fp32"],
    "nmt bf16, input feeding": ["training.precision=bf16", "model.input_feeding=true"],
}
PEERS = {"OpenNMT-py": opennmt, "JoeyNMT": joeynmt}


def main() -> None:
    arguments = parse_arguments()
    names = [name for name in (*OWN, *PEERS) if not arguments.only or name in arguments.only]
    speeds: dict[str, list[float]] = {name: [] for name in names}
    peaks: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        commands = commands_of(names, arguments, Path(scratch))
        for turn in range(arguments.turns):
            for name, command in commands.items():
                speed, peak_mb = measured(command, arguments.threads, Path(scratch))
                speeds[name].append(speed)
                peaks[name].append(peak_mb)
                say(f"{turn + 1}/{arguments.turns}  {name}  {speed:,.0f} tokens/s")
    about = {**machine(), "threads": arguments.threads, "turns": arguments.turns}
    print(", ".join(f"{key} {value}" for key, value in about.items()), end="\n\n")
    print("\n".join(table(report(speeds, peaks))))


def commands_of(
    names: Sequence[str], arguments: argparse.Namespace, scratch: Path
) -> dict[str, list[str]]:
    """What trains each row; the peers are installed, and have the subwords of nmt."""
    text = ["--corpus", str(arguments.corpus.resolve()), "--dev", arguments.dev]
    text += ["--source", arguments.source, "--target", arguments.target]
    subwords = scratch / "run" / "joint.model"
    commands = {}
    for name in names:
        if name in OWN:
            command = [sys.executable, str(HERE / "train_speed.py"), *text]
            command += ["--steps", str(arguments.steps)]
            commands[name] = [*command, *settings(OWN[name])]
        else:
            script = str(Path(inspect.getfile(PEERS[name])).resolve())
            folder = arguments.folder / Path(script).stem
            peer = [sys.executable, script, "--folder", str(folder)]
            say(f"installing {name}, if it is not there")
            measuring.run([*peer, "install"], None)
            peer += ["speed", *text, "--subwords", str(subwords)]
            commands[name] = [*peer, "--steps", str(arguments.steps)]
    if set(names) & set(PEERS):
        learn_subwords(arguments, subwords.parent)
    return commands


def learn_subwords(arguments: argparse.Namespace, run: Path) -> None:
    """Train the subwords that train_speed.py comes to on the same text."""
    keys = {"path": arguments.corpus.resolve(), "source": arguments.source}
    keys |= {"target": arguments.target, "dev": arguments.dev, "test": ""}
    corpus = [f"corpus.{key}={value}" for key, value in keys.items()]
    command = [sys.executable, "-m", "nmt", "tokenizer", "starter", "--run", str(run)]
    measuring.run([*command, "--samples", "0", *settings([*REFERENCE_SHAPE, *corpus])], None)


def settings(keys: Sequence[str]) -> list[str]:
    """The options that set some keys."""
    return [word for key in keys for word in ("--set", key)]


def measured(command: Sequence[str], threads: int, scratch: Path) -> tuple[float, float]:
    """Target tokens a second and peak memory in MB of one training."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with (scratch / "printed.txt").open("w+") as printed:
        _, peak_mb = measuring.run(command, environment, printed)
        printed.seek(0)
        found = re.search(r"([\d,]+) target tokens/s", printed.read())
    assert found is not None, command
    return float(found[1].replace(",", "")), peak_mb


def report(speeds: dict[str, list[float]], peaks: dict[str, list[float]]) -> list[tuple[str, ...]]:
    """The cells of the table, its head first."""
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    peers = [name for name in PEERS if name in medians]
    cells = [("", "tokens/s", "lowest", "highest", *(f"x {peer}" for peer in peers), "peak MB")]
    for name, found in speeds.items():
        shown = [f"{speed:,.0f}" for speed in (medians[name], min(found), max(found))]
        ratios = [f"{medians[name] / medians[peer]:.2f}" for peer in peers]
        cells.append((name, *shown, *ratios, f"{max(peaks[name]):,.0f}"))
    return cells


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of NAME.fr and NAME.en")
    parser.add_argument("--source", default="fr")
    parser.add_argument("--target", default="en")
    parser.add_argument("--dev", default="val")
    parser.add_argument("--folder", type=Path, default=Path("checkpoints"), help="of the peers")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10, help="counted, of each training")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", choices=[*OWN, *PEERS], help="a row")
    return parser.parse_args()


if __name__ == "__main__":
    main()
