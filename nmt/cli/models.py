"""``nmt models``: what there is to translate with."""

from nmt.cli.lines import write_line
from nmt.errors import NmtError
from nmt.progress import say, visible

EXAMPLES = """\b
Examples:
  nmt models
  nmt translate --model "$(nmt models | head -n 1 | cut -f 1)" "Bonjour."
"""


def models() -> None:
    """List the models that are here, the one that translates where none is named first.

    Those under checkpoints/, the one trained last first, then those that came with nmt. One line
    for each: what to give to --model, from which language into which, and how good it is, with tabs
    between them.
    """
    from nmt.runs.directory import CHECKPOINTS
    from nmt.runs.finding import Direction, shipped_models, trained_runs

    runs = [*trained_runs(CHECKPOINTS), *shipped_models()]
    for run in runs:
        try:
            facts = (run.name, str(Direction.of(run)), ", ".join(run.facts))
            write_line("\t".join(map(visible, facts)))
        except NmtError as error:
            say(f"{run.name} is left out: {error}")
    if not runs:
        say(f"no model under {CHECKPOINTS}/: train one with `nmt train`")
