"""What all subcommands share: help, usage errors, exit codes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from nmt.cli import app, tokenizer, train
from nmt.cli import eval as evaluation
from nmt.cli.command import EXAMPLE
from nmt.cli.together import RULES, SHARDS
from nmt.cli.translate import command as translate
from nmt.config import keys
from tests.cli.conftest import Command

pytestmark = pytest.mark.slow

EXAMPLES = [EXAMPLE, *(stage.EXAMPLES for stage in (train, translate, evaluation, tokenizer))]


def test_the_help_names_every_stage_with_an_example(command: Command) -> None:
    done = command("--help")
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode()
    for stage in ("train", "translate", "eval", "tokenizer"):
        assert re.search(rf"^  {stage}  +[A-Z]", text, re.MULTILINE)
    assert 'nmt translate "Je suis étudiant"' in text
    assert command().stdout == done.stdout


@pytest.mark.parametrize("stage", ["train", "translate", "eval", "tokenizer"])
def test_the_help_of_a_stage_has_an_example_and_describes_every_option(
    command: Command, stage: str
) -> None:
    done = command(stage, "--help")
    text = done.stdout.decode()
    assert f"    nmt {stage}" in text.partition("Example")[2]
    assert "\x1b" not in text
    for option in re.findall(r"^  (--[a-z-]+)(.*)", text, re.MULTILINE):
        assert option


@pytest.mark.parametrize(
    "example", [line for text in EXAMPLES for line in re.findall(r"nmt [^|<(\n]*", text)]
)
def test_every_option_in_an_example_exists(command: Command, example: str) -> None:
    _, stage, *rest = shlex.split(example)
    options = [word for word in rest if word.startswith("--")]
    known = command(stage, "--help").stdout.decode()
    assert all(re.search(rf"^  {option}\b", known, re.MULTILINE) for option in options)


@pytest.mark.parametrize("name", RULES)
def test_the_table_of_what_goes_together_is_of_options_that_there_are(name: str) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    command = known["eval" if name == "evaluate" else name]
    names = {each.opts[0] if each.opts[0][0] == "-" else each.metavar for each in command.params}
    implied = {SHARDS, "--engine ray", "a second --model"}
    for option, rule in RULES[name].items():
        assert {option, *rule.apart, *filter(None, [rule.needs])} <= names | implied


def test_an_option_that_is_a_key_of_the_search_has_the_help_of_the_key() -> None:
    known = {key.name: key.help for key in keys()}
    command = typer.main.get_command(app).commands["translate"]  # type: ignore[attr-defined]
    options = {f"search.{each.name}": each.help for each in command.params}
    shared = options.keys() & known.keys() - {"search.n_best"}  # it prints more than a key says
    assert len(shared) == 8
    assert all(options[name].startswith(known[name]) for name in shared)


def test_keys_are_listed_with_default_values_and_help(command: Command) -> None:
    text = command("train", "--keys").stdout.decode()
    assert "training.epochs = 10   (a whole number)\n    Passes over the corpus" in text
    assert 'model.attention = "general"   (none, dot, general, additive, multihead)\n' in text
    assert text.startswith("corpus.path = ")
    about = command("train", "--keys", "dropout").stdout.decode()
    assert about.startswith("model.dropout = 0.3") and "training.epochs" not in about
    nothing = command("tokenizer", "--keys", "nothing like it")
    assert (nothing.returncode, nothing.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train'? (see `nmt --help`)"),
        (["train", "--epochs", "3"], "No such option: --epochs (see `nmt train --help`)"),
        (["train", "a", "b"], "Got unexpected extra argument"),
        (["translate", "--beam", "abc"], "--beam is 'abc': it takes a whole number (see"),
        (["score", "--length-penalty", "x"], "--length-penalty is 'x': it takes a number (see"),
        (["translate", "--at", "-1"], "--at is '-1': it must be greater than or equal to 0 (see"),
        (["eval", "--paired", "t"], "--paired: 't' is not one of 'bs', 'ar' (see"),
        (
            ["translate", "--set", "search.beam=abc"],
            "search.beam is 'abc': it takes a whole number",
        ),
        (["eval", "--source", "a"], "--source and --reference belong together: name both files"),
    ],
)
def test_usage_errors_are_one_line_on_stderr_and_exit_code_2(
    command: Command, trained: Path, arguments: list[str], message: str
) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    error = done.stderr.decode()
    assert error.startswith(f"nmt: {message}")
    assert error.count("\n") == 1


def test_an_error_of_the_file_system_is_one_line_and_exit_code_2(command: Command) -> None:
    done = command("train", "x" * 5000)
    assert done.returncode == 2
    assert done.stderr.decode().endswith("x: File name too long\n")
    assert done.stderr.count(b"\n") == 1


def test_the_version_is_printed(command: Command) -> None:
    assert re.fullmatch(rb"nmt \d+\.\d+\.\d+\n", command("--version").stdout)
