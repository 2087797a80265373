"""What `opennmt.py` and `joeynmt.py` share: environments, subwords, and how speed is counted."""

import argparse
import json
import re
import statistics
import subprocess
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

TORCH = "torch==2.13.0"
SUBWORDS = "subwords.model"
VOCABULARY = "vocabulary.txt"
# Of a sentencepiece model; both systems have their own.
SPECIAL = {"<unk>", "<pad>", "<blank>", "<s>", "</s>"}
WARM_UP_STEPS = 10
STEPS_IN_A_GROUP = 10


def make_environment(folder: Path, package: str, requirements: Sequence[str]) -> None:
    """Make FOLDER/venv with a package, without what it asks for, and with some requirements."""
    venv.create(folder / "venv", with_pip=True, clear=True)
    pip = [str(python_of(folder)), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, TORCH, *requirements], check=True)
    subprocess.run([*pip, "--no-deps", package], check=True)


def can_import(folder: Path, modules: str) -> bool:
    """Whether the environment is there and its packages are found, and work."""
    python = python_of(folder)
    check = [str(python), "-c", f"import {modules}"]
    return python.exists() and subprocess.run(check, capture_output=True).returncode == 0


def python_of(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def packages_of(folder: Path) -> Path:
    """Where the packages of the environment are, which is of the same Python as this process."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv")}))


def write_vocabulary(python: Path, folder: Path) -> None:
    """Write the subwords of FOLDER/subwords.model, but for the special ones, one a line."""
    code = (
        "import json, sys, sentencepiece as s; p = s.SentencePieceProcessor(sys.argv[1]);"
        "print(json.dumps([p.id_to_piece(i) for i in range(len(p))]))"
    )
    command = [str(python), "-c", code, str(folder / SUBWORDS)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pieces = [piece for piece in json.loads(printed) if piece not in SPECIAL]
    (folder / VOCABULARY).write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")


def print_speed(command: Sequence[str], environment: Mapping[str, str], pattern: str) -> None:
    """Train, and print target tokens a second in the words of train_speed.py.

    Args:
        command: Trains, and says every STEPS_IN_A_GROUP steps how fast the last ones were.
        environment: Of the process.
        pattern: Finds target tokens a second in what it says.
    """
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    rates = [float(rate) for rate in re.findall(pattern, done.stdout)]
    measured = rates[WARM_UP_STEPS // STEPS_IN_A_GROUP :]
    if done.returncode or not measured:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")
    print(
        f"{statistics.median(measured):,.0f} target tokens/s (median; {min(measured):,.0f} to "
        f"{max(measured):,.0f} over groups of {STEPS_IN_A_GROUP} steps)"
    )


def add_speed_options(command: argparse.ArgumentParser) -> None:
    """The options of the command that measures the speed of training."""
    command.add_argument("--corpus", type=Path, required=True, help="folder of NAME.fr and NAME.en")
    command.add_argument("--subwords", type=Path, required=True, help="of a run: its joint.model")
    command.add_argument("--source", default="fr")
    command.add_argument("--target", default="en")
    command.add_argument("--dev", default="val")
    command.add_argument("--steps", type=int, default=20, help=f"after {WARM_UP_STEPS} more")
