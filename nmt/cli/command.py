"""Puts the subcommands together and turns what goes wrong into one line and an exit code."""

import gc
import os
import signal
import sys
from typing import NoReturn

import typer

import nmt
from nmt.cli import diversify, explain, export, models, report, score, serve, tokenizer, train
from nmt.cli import eval as evaluation
from nmt.cli.translate import command as translate
from nmt.errors import NmtError
from nmt.progress import say
from nmt.training.distributed.torchrun import is_spokesman

USER_ERROR = 2
INTERRUPTED = 130
"""What a shell reports of a process that Ctrl-C ended."""
OBJECTS_BETWEEN_COLLECTIONS = 50_000
BROKEN_PIPE = 1
"""What typer, too, makes of a pipe that nobody reads any more."""

TO_TRAIN = frozenset({"datasets", "onnx", "pyarrow", "sacrebleu", "safetensors", "torch"})
"""Packages of the extra ``nmt-toolkit[train]``, which the base install leaves out."""

EXAMPLE = """\b
Example:
  nmt train                          (French to English, on the corpus that comes with nmt)
  nmt translate "Je suis étudiant"   (with the model trained last)
  nmt eval                           (its scores on its test set)
"""

app = typer.Typer(
    name="nmt",
    epilog=EXAMPLE,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"nmt {nmt.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(
        False,
        "--version",
        callback=_show_version,
        is_eager=True,
        help="Print the version and exit.",
    ),
) -> None:
    """Train a translator on sentence pairs, translate with it, and measure how good it is."""
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("train", epilog=train.EXAMPLES)(train.train)
app.command("translate", epilog=translate.EXAMPLES)(translate.translate)
app.command("eval", epilog=evaluation.EXAMPLES)(evaluation.evaluate)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("score", epilog=score.EXAMPLES)(score.score)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.command("export", epilog=export.EXAMPLES)(export.export)
app.command("tokenizer", epilog=tokenizer.EXAMPLES)(tokenizer.tokenizer)
app.command("diversify", epilog=diversify.EXAMPLES)(diversify.diversify)
app.command("models", epilog=models.EXAMPLES)(models.models)


def main() -> NoReturn:
    """Run the command that ``sys.argv`` spells out, and exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    # Looking for cycles among all that is made at the start takes a translation 0.01 s.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        code = _run()
    except BrokenPipeError:
        code = BROKEN_PIPE
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            # Python flushes the stream once more at exit, into nothing then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _run() -> int:
    try:
        code = app(prog_name="nmt", standalone_mode=False) or 0
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except NmtError as error:
        return _fail(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError) or not error.strerror:
            raise
        return _fail(f"{error.filename or 'standard output'}: {error.strerror}")
    except ModuleNotFoundError as error:
        if error.name not in TO_TRAIN:
            raise
        return _fail(
            f"this needs {error.name}, which is not installed: pip install 'nmt-toolkit[train]'"
        )
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see `{context.command_path} --help`)" if context else ""
        return _fail(_explanation(error).rstrip(".") + hint)
    except typer.Abort:
        return INTERRUPTED


def _explanation(error: typer.TyperException) -> str:
    """What is wrong with a command line, in our words where pydantic found it."""
    from pydantic import ValidationError

    from nmt.config import requirement

    cause, parameter = error.__cause__, getattr(error, "param", None)
    if not isinstance(cause, ValidationError) or parameter is None:
        return error.format_message()
    detail = cause.errors(include_url=False)[0]
    option, value = parameter.opts[0], repr(detail["input"])
    wanted = requirement(detail)
    return f"{option}: {wanted}" if value in wanted else f"{option} is {value}: {wanted}"


def _fail(message: str) -> int:
    if is_spokesman():
        say(f"nmt: {' '.join(message.split())}")
    return USER_ERROR


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
