"""Nothing slow is imported before it is needed, and nothing but the base install to translate."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from nmt.cli.command import TO_TRAIN
from nmt.runs.starting import create_run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

NOT_TO_TRANSLATE = TO_TRAIN | {"huggingface_hub", "pandas", "rich", "tensorboard", "transformers"}
SLOW = NOT_TO_TRANSLATE | {
    "numpy",
    "onnxruntime",
    "py3langid",
    "sentencepiece",
    "starlette",
    "uvicorn",
}

RUN_AND_LIST = """
import atexit, sys
atexit.register(lambda: print(sorted({name.partition(".")[0] for name in sys.modules}),
                              file=open("modules.txt", "w")))
sys.argv = ["nmt", *sys.argv[1:]]
from nmt.cli import main
main()
"""

COUNT_THREADS = """
import atexit, os
atexit.register(lambda: print(len(os.listdir("/proc/self/task")), file=open("threads.txt", "w")))
from nmt.cli import main
main()
"""


def run(folder: Path, *arguments: str) -> tuple[int, set[str], float]:
    """Run the command in a folder: its exit code, the modules it imported, its CPU seconds."""
    before = os.times()
    process = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NMT_MODEL"},
        capture_output=True,
    )
    after = os.times()
    cpu_s = after.children_user + after.children_system
    cpu_s -= before.children_user + before.children_system
    modules = (folder / "modules.txt").read_text()
    return process.returncode, set(modules.strip("[]\n").replace("'", "").split(", ")), cpu_s


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of random weights, ``trained``, and its export alone, ``exported``."""
    from nmt.config import RunConfig, override
    from nmt.export.run import export_run
    from nmt.files import write_atomically
    from nmt.model.seq2seq import build
    from nmt.model.weights import named_weights, weights_bytes
    from nmt.text.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("runs")
    sizes = ["model.hidden_size=16", "model.embedding_size=8", "tokenizer.vocabulary_size=300"]
    config = override(RunConfig(), sizes)
    trained = create_run(folder / "trained", config)
    train_tokenizer(["le chat dort dans la maison"] * 9, config.tokenizer, trained.joint_model)
    weights = weights_bytes(named_weights(build(config.model, 300, 300, seed=2)))
    write_atomically(trained.model_file, weights)
    export_run(trained, trained.copy_to(folder / "exported"), config, None)
    return folder


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with nmt and what its base install asks for, nothing else.

    It has the very files of this environment, linked to, so that no network is needed.
    """
    folder = tmp_path_factory.mktemp("environments") / "base"
    builder = venv.EnvBuilder(symlinks=os.name == "posix")
    builder.create(folder)
    paths = builder.ensure_directories(folder)
    packages = next(folder.glob("[Ll]ib/**/site-packages"))
    (packages / "nmt").symlink_to(ROOT / "nmt", target_is_directory=True)
    for name in with_dependencies(PROJECT["dependencies"]):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (packages / top).exists():  # namespaces such as google belong to several
                (packages / top).symlink_to(Path(str(found.locate_file(top))))
    return Path(paths.env_exe)


def with_dependencies(requirements: list[str]) -> set[str]:
    """The names of required packages, and of those that they require, and so on."""
    names: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and requirement.name not in names:
            names.add(requirement.name)
            waiting += [Requirement(text) for text in distribution(requirement.name).requires or []]
    return names


def in_base_install(
    python: Path, folder: Path, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder as somebody does who has only the base install."""
    strange = ("NMT_", "PYTHON")
    environment = {k: value for k, value in os.environ.items() if not k.startswith(strange)}
    return subprocess.run(
        [python, *arguments],
        cwd=folder,
        env=environment | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
    )


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
        (["score", "--help"], 0),
        (["serve", "--help"], 0),
        (["train", "--no-such-option"], 2),
        (["train", "no-such-recipe"], 2),
        (["train", "--set", "training.epoch=3"], 2),
        (["train", "--set", "corpus.path=no-such-folder"], 2),
        (["tokenizer", "--set", "corpus.path=no-such-folder"], 2),
        (["translate", "--to", "no-such-language", "Bonjour"], 2),
        (["translate", "--model", "no-such-folder", "Bonjour"], 2),
        (["serve", "--model", "no-such-folder"], 2),
        (["eval", "no-such-run"], 2),
        (["eval", "no-such-run", "no-such-file"], 2),
        (["score", "--from", "no-such-language", "Bonjour", "Hello"], 2),
        (["translate", "--markup", "html", "--alternatives", "3", "Bonjour"], 2),
    ],
)
def test_help_and_errors_import_nothing_slow(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    returned, modules, cpu_s = run(tmp_path, *arguments)
    assert returned == code
    assert "typer" in modules
    assert not modules & SLOW
    assert cpu_s < 5.0, "well under a second once what is imported is compiled"


def test_translating_with_an_export_imports_nothing_that_only_training_needs(
    runs: Path, tmp_path: Path
) -> None:
    returned, modules, _ = run(tmp_path, "translate", "--model", str(runs / "exported"), "le chat")
    assert returned == 0
    assert {"nmt", "numpy", "onnxruntime", "sentencepiece"} <= modules
    assert not modules & NOT_TO_TRANSLATE


def test_scoring_an_export_imports_sacrebleu_and_nothing_else_that_only_training_needs(
    runs: Path, tmp_path: Path
) -> None:
    for name in ("source", "reference"):
        (tmp_path / name).write_text("le chat\n")
    files = ["--source", "source", "--reference", "reference"]
    returned, modules, _ = run(tmp_path, "eval", str(runs / "exported"), "source", *files)
    assert returned == 0
    assert modules & NOT_TO_TRANSLATE == {"sacrebleu"}


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_translating_a_sentence_starts_no_thread_and_leaves_nothing_at_home(
    runs: Path, tmp_path: Path
) -> None:
    strange = ("OMP_", "OPENBLAS_", "ORT_", "XDG_", "CI", "GITHUB_")
    environment = {k: value for k, value in os.environ.items() if not k.startswith(strange)}
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-c", COUNT_THREADS, "translate", "--model", runs / "exported", "le chat"],
        cwd=tmp_path,
        env=environment | {"HOME": str(home)},
        check=True,
    )
    assert (tmp_path / "threads.txt").read_text() == "1\n", "neither of NumPy nor ONNX Runtime"
    assert not list(home.iterdir()), "ONNX Runtime reports nothing to its makers"


def test_translating_needs_the_base_install_alone(base_install: Path, runs: Path) -> None:
    done = in_base_install(
        base_install, runs, "-m", "nmt", "translate", "--model", "exported", "le chat", "dort"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 2
    assert done.stderr == "translating with exported\n"


@pytest.mark.parametrize(
    "command",
    [
        "explain --model exported --json chat",
        "score --model exported chat cat --json",
        "translate --model exported --attention looks.svg chat",
        "translate --model exported --markup html <b>chat</b>",
        "translate --model exported --alternatives 1 chat",
        "translate --model exported --glossary terms --json chat",
        "translate --model exported --model exported chat",
    ],
)
def test_all_that_translates_needs_the_base_install_alone(
    base_install: Path, runs: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "exported").symlink_to(runs / "exported")
    (tmp_path / "terms").write_text("chat\tcat\n")
    done = in_base_install(base_install, tmp_path, "-m", "nmt", *command.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1


def test_importing_nmt_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import nmt; print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "'nmt'" in done.stdout, done.stderr
    assert not {"nmt.config", "nmt.runs.directory", "numpy", "pydantic", "typer"} & set(
        done.stdout.strip("{}\n").replace("'", "").split(", ")
    )


@pytest.mark.parametrize("module", sorted(TO_TRAIN))
def test_the_base_install_leaves_out_what_training_needs(
    base_install: Path, tmp_path: Path, module: str
) -> None:
    done = in_base_install(base_install, tmp_path, "-c", f"import {module}")
    assert f"No module named '{module}'" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "train --run new",
        "tokenizer --run new",
        "eval --model exported --source text --reference text",
        "export trained --to new",
        "translate --model trained chat",
    ],
)
def test_what_needs_more_than_the_base_install_says_in_one_line_what_and_how_to_get_it(
    base_install: Path, runs: Path, tmp_path: Path, command: str
) -> None:
    for run in ("trained", "exported"):
        (tmp_path / run).symlink_to(runs / run)
    (tmp_path / "text").write_text("le chat\n")
    done = in_base_install(base_install, tmp_path, "-m", "nmt", *command.split())
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "new").exists()
    *_, last = done.stderr.splitlines()
    names = "|".join(TO_TRAIN)
    assert re.fullmatch(
        rf"nmt: this needs ({names}), which is not installed: pip install 'nmt-toolkit\[train\]'",
        last,
    )
    assert "Traceback" not in done.stderr


def test_serving_says_which_extra_it_needs(base_install: Path, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "exported").symlink_to(runs / "exported")
    done = in_base_install(base_install, tmp_path, "-m", "nmt", "serve", "--model", "exported")
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(
        r"nmt: this needs \w+, which is not installed: pip install 'nmt-toolkit\[serve\]'\n",
        done.stderr,
    )


def test_the_packages_that_are_explained_are_those_of_the_extra() -> None:
    extra = {Requirement(text).name for text in PROJECT["optional-dependencies"]["train"]}
    assert extra | {"pyarrow"} == TO_TRAIN, "pyarrow comes with datasets"


def test_what_is_slow_is_banned_from_the_top_of_modules_by_lint() -> None:
    for file in (
        "nmt/cli/train.py",
        "nmt/runs/finding.py",
        "nmt/config/recipe.py",
        "nmt/__init__.py",
    ):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", "check", "--stdin-filename", file, "-"],
            cwd=ROOT,
            input='"""Doc."""\n\nimport torch\n\nprint(torch)\n',
            capture_output=True,
            text=True,
        )
        assert found.returncode == 1
        assert "TID253" in found.stdout


def test_nobody_is_told_to_install_what_somebody_else_calls_nmt() -> None:
    assert PROJECT["name"] == "nmt-toolkit"
    told = re.compile(r"pip install '?nmt(?!-toolkit)\b|\bnmt\[")
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("nmt/**/*.py")]
    for file in [*files, ROOT / "pyproject.toml", ROOT / ".ci" / "run"]:
        if file.name != "CHANGELOG.md":
            assert not told.search(file.read_text("utf-8")), file
