"""BLEU on dev by CPU minutes of training: nmt's recipe, and OpenNMT-py side by side with it.

    python benchmarks/time_to_quality.py --corpus DIR [--minutes 10] [--opennmt-minutes 30]

OpenNMT-py trains the recipe of opennmt.py on one core (reference shape, a constant rate); then the
last checkpoint of each --every minutes translates dev with beam 5. Meanwhile nmt trains its recipe
on another core, once for each number of --minutes, since its rate falls to the end of its time;
what it exports translates dev. Minutes are CPU time of the process, so that other work on the
machine does not count; the test set is not touched. What is trained already is not trained again:
remove --folder after a change.

Prints one line for each of those checkpoints and each training.
"""

import argparse
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measuring
import opennmt
import peers
import quality
from decode_speed import say, table
from train_peers import learn_subwords

CHECKPOINTS = "checkpoints.json"
# How long training goes on after the last checkpoint that counts, so that it is whole.
GRACE_S = 20


def main() -> None:
    arguments = parse_arguments()
    opennmt.install(argparse.Namespace(folder=arguments.opennmt))
    cores = sorted(os.sched_getaffinity(0))
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(train_opennmt, arguments, cores[0])
        ours = pool.submit(train_nmt, arguments, cores[-1])
        rows = ours.result() + score(theirs.result(), arguments)
    cells = [("", "CPU minutes", f"BLEU on {arguments.dev}")]
    cells += [(name, f"{minutes:.1f}", f"{bleu:.2f}") for name, minutes, bleu in rows]
    print("\n".join(table(cells)))


def train_nmt(arguments: argparse.Namespace, core: int) -> list[tuple[str, float, float]]:
    """Name, CPU minutes and BLEU of each training of nmt."""
    rows = []
    for minutes in arguments.minutes:
        folder = arguments.folder / f"{arguments.recipe}-{minutes:g}-minutes"
        if not (folder / quality.RESULT).is_file():
            keys = [
                f"corpus.path={arguments.corpus.resolve()}",
                f"corpus.source={arguments.source}",
            ]
            keys += [f"corpus.target={arguments.target}", f"corpus.dev={arguments.dev}"]
            keys += ["corpus.test=''", f"training.minutes={minutes}"]
            quality.train_apart(folder, arguments.recipe, keys, core)
        found = json.loads((folder / quality.RESULT).read_text())
        rows.append((f"nmt {arguments.recipe}", found["cpu_s"] / 60, found["bleu"]))
        say(f"nmt: BLEU {found['bleu']:.2f} after {found['cpu_s'] / 60:.1f} CPU minutes")
    return rows


def train_opennmt(arguments: argparse.Namespace, core: int) -> dict[Path, float]:
    """The checkpoints of OpenNMT-py, and after how many CPU seconds each was there."""
    folder = arguments.folder / "opennmt"
    found = folder / CHECKPOINTS
    if not found.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in opennmt.checkpoints(folder):
            old.unlink()
        learn_subwords(arguments, folder / "run")
        (folder / peers.SUBWORDS).write_bytes((folder / "run" / "joint.model").read_bytes())
        seconds = seconds_to_checkpoints(folder, arguments, core)
        found.write_text(json.dumps({file.name: s for file, s in seconds.items()}))
    return {folder / name: s for name, s in json.loads(found.read_text()).items()}


def seconds_to_checkpoints(
    folder: Path, arguments: argparse.Namespace, core: int
) -> dict[Path, float]:
    """Train OpenNMT-py on one core until its CPU time is over."""
    python = peers.python_of(arguments.opennmt)
    settings = opennmt.prepared(folder, python, arguments) | {"train_steps": 10**6}
    limit_s = 60 * arguments.opennmt_minutes
    seconds: dict[Path, float] = {}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            opennmt.train_command(python, folder, settings),
            env={**opennmt.environment(), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            while process.poll() is None and (used_s := cpu_seconds(process.pid)) < (
                limit_s + GRACE_S
            ):
                for file in opennmt.checkpoints(folder) if used_s <= limit_s else []:
                    seconds.setdefault(file, used_s)
                time.sleep(1)
        finally:
            process.kill()
    if process.wait() > 0:
        raise SystemExit(f"OpenNMT-py failed: see {folder / 'log.txt'}")
    return seconds


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far, by the kernel's account."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # user and system


def score(
    checkpoints: dict[Path, float], arguments: argparse.Namespace
) -> list[tuple[str, float, float]]:
    """Name, CPU minutes and BLEU of the last checkpoints of each --every minutes."""
    from nmt.evaluation.metrics import bleu

    source, target = (
        arguments.corpus.resolve() / f"{arguments.dev}.{language}"
        for language in (arguments.source, arguments.target)
    )
    rows = []
    last_of = {seconds // (60 * arguments.every): file for file, seconds in checkpoints.items()}
    for file in last_of.values():
        minutes = checkpoints[file] / 60
        output = file.with_suffix(f".{arguments.dev}.txt")
        if not output.is_file():
            command = [str(peers.python_of(arguments.opennmt)), opennmt.__file__]
            command += ["--folder", str(arguments.opennmt), "translate", "--checkpoint", str(file)]
            command += ["--source", str(source), "--output", str(output)]
            measuring.run(command, opennmt.environment())
        texts, references = measuring.lines_of(output), measuring.lines_of(target)
        rows.append(("OpenNMT-py", minutes, bleu(texts, references, arguments.target)))
        say(f"OpenNMT-py: BLEU {rows[-1][2]:.2f} after {minutes:.1f} CPU minutes")
    return rows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of NAME.fr and NAME.en")
    parser.add_argument("--source", default="fr")
    parser.add_argument("--target", default="en")
    parser.add_argument("--dev", default="val")
    parser.add_argument("--recipe", default="multi30k", help="of nmt")
    parser.add_argument("--minutes", type=float, nargs="+", default=[10], help="of nmt")
    parser.add_argument("--opennmt-minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=5, help="minutes between its checkpoints")
    parser.add_argument(
        "--opennmt", type=Path, default=Path("checkpoints/opennmt"), help="made by opennmt.py"
    )
    parser.add_argument("--folder", type=Path, default=Path("checkpoints/time-to-quality"))
    arguments = parser.parse_args()
    arguments.opennmt, arguments.folder = arguments.opennmt.resolve(), arguments.folder.resolve()
    return arguments


if __name__ == "__main__":
    main()
