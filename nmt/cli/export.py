"""``nmt export``: a trained run becomes what translates without torch."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nmt.cli.lines import write_line
from nmt.cli.options import argument, option, takes
from nmt.errors import NmtError, RunError
from nmt.progress import say

if TYPE_CHECKING:
    from nmt.config import RunConfig
    from nmt.export.shortlist import Lexicon
    from nmt.runs.directory import RunDirectory

EXAMPLES = """\b
Examples:
  nmt export
  nmt export checkpoints/mine --to mine-int8   (a folder to deploy)
  nmt export checkpoints/mine --precision fp32 --to mine-fp32
"""


@takes
def export(
    folder: Path | None = argument(
        "RUN",
        "The folder of a trained run. By default the one under checkpoints/ trained last.",
        envvar="NMT_MODEL",
    ),
    to: Path | None = option(
        "--to DIR",
        "Make a new folder with all that translating needs and nothing else, instead of adding "
        "export/ to the run.",
    ),
    precision: Literal["int8", "fp32"] | None = option(
        "--precision", "Number format of the matrix products, by default as the run says (int8)."
    ),
    shortlist: bool = option(
        "--shortlist/--no-shortlist",
        "Keep the list of the likely translations of each subword.",
        True,
    ),
) -> None:
    """Write a trained model as ONNX graphs, to translate without torch.

    Every `nmt train` ends with this; on its own it is for another precision, for a folder to
    deploy, and for runs of earlier versions. Prints the folder that translates.
    """
    from nmt.runs.directory import CHECKPOINTS
    from nmt.runs.finding import latest_run, open_run

    run = open_run(latest_run(CHECKPOINTS).path if folder is None else folder)
    if run.is_shipped:
        raise RunError(
            f"{run.path}: this model came with nmt as it is; there are no weights to export: "
            "copy the folder to deploy it, or train one"
        )
    if not run.model_file.is_file():
        raise RunError(
            f"{run.path}: this folder only translates; it has no weights ({run.model_file.name}) "
            "to export: name the run that it was exported from"
        )
    from nmt.config import override

    changes = [] if precision is None else [("export.precision", precision)]
    config = override(run.config(), changes)
    from nmt.export.run import export_files
    from nmt.files import replace_folder

    files = export_files(run, config, _lexicon(run, config) if shortlist else None)
    into = run if to is None else run.copy_to(to)
    with run.locked() if to is None else nullcontext():
        replace_folder(into.export, files)
    size_bytes = sum(file.stat().st_size for file in into.export.iterdir())
    say(f"{config.export.precision}, {size_bytes / 1e6:.1f} MB in {into.export}")
    write_line(str(into.path))


def _lexicon(run: "RunDirectory", config: "RunConfig") -> "Lexicon | None":
    """The shortlists of an earlier export, else those that the training pairs give."""
    from nmt.export.folder import load_lexicon

    if run.is_exported:
        try:
            if lexicon := load_lexicon(run.export):
                return lexicon
        except RunError as error:
            say(f"learning the shortlist anew: {error}")
    from nmt.export.run import lexicon_of
    from nmt.training.preparation import prepare
    from nmt.training.progress import LineReporter

    try:
        material = prepare(config, run, LineReporter())
    except NmtError as error:
        say(f"without a shortlist, for the corpus is not to be had: {error}")
        return None
    return lexicon_of(run, material.pairs, material.tokenizers, config)
