"""Nothing slow is imported before it is needed: looked at in the process itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = {
    "datasets",
    "huggingface_hub",
    "numpy",
    "pandas",
    "pyarrow",
    "rich",
    "sacrebleu",
    "safetensors",
    "sentencepiece",
    "torch",
    "transformers",
}

RUN_AND_LIST = """
import atexit, sys
atexit.register(lambda: print(sorted({name.partition(".")[0] for name in sys.modules}),
                              file=open("modules.txt", "w")))
sys.argv = ["nmt", *sys.argv[1:]]
from nmt.cli import main
main()
"""


def run(folder: Path, *arguments: str) -> tuple[int, set[str], float]:
    """Run the command in a folder: its exit code, the modules it imported, its seconds."""
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NMT_MODEL"},
        capture_output=True,
    )
    elapsed_s = time.perf_counter() - started
    modules = (folder / "modules.txt").read_text()
    return process.returncode, set(modules.strip("[]\n").replace("'", "").split(", ")), elapsed_s


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        ([], 0),
        (["train", "--help"], 0),
        (["train", "--keys"], 0),
        (["tokenizer", "--help"], 0),
        (["translate", "--help"], 0),
        (["eval", "--help"], 0),
        (["train", "--no-such-option"], 2),
        (["train", "no-such-recipe"], 2),
        (["train", "--set", "training.epoch=3"], 2),
        (["train", "--set", "corpus.path=no-such-folder"], 2),
        (["tokenizer", "--set", "corpus.path=no-such-folder"], 2),
        (["translate", "Bonjour"], 2),
        (["translate", "--model", "no-such-folder", "Bonjour"], 2),
        (["eval"], 2),
    ],
)
def test_help_and_errors_import_nothing_slow(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    returned, modules, elapsed_s = run(tmp_path, *arguments)
    assert returned == code
    assert "typer" in modules
    assert not modules & SLOW
    assert elapsed_s < 5.0, "well under a second on a machine that has nothing else to do"


def test_what_is_slow_is_banned_from_the_top_of_modules_by_lint() -> None:
    root = Path(__file__).parent.parent
    for file in ("nmt/cli/train.py", "nmt/run.py", "nmt/config.py", "nmt/__init__.py"):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--stdin-filename", file, "-"],
            cwd=root,
            input='"""Doc."""\n\nimport torch\n\nprint(torch)\n',
            capture_output=True,
            text=True,
        )
        assert found.returncode == 1
        assert "TID253" in found.stdout
