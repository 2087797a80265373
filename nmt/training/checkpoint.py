"""Where a training stands, on disk: enough to go on to the same bits.

There is no random state to keep. The order of batches is a pure function of (seed, epoch), and
what is random in a step (dropout) of (seed, step), so a position is a few integers.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from nmt.config import RunConfig, to_toml
from nmt.errors import RunError
from nmt.files import read_folder, replace_folder
from nmt.model.weights import copy_weights, read_tensors, weights_bytes

_STATE = "state.json"


@dataclass
class TrainState:
    """How far a training has come.

    Attributes:
        step: Optimiser steps taken, skipped ones included.
        epoch: Passes over the corpus completed.
        batch_in_epoch: Batches of the current epoch that were learned from.
        batches_of_epoch: Batches that the current epoch has.
        elapsed_s: Seconds of training, over all sessions.
        target_tokens: Target tokens learned from.
        skipped: Steps skipped because a loss or gradient was not finite.
        skipped_in_a_row: Of these, those since the last good step.
        best_bleu: BLEU of the weights that are kept; below 0 before the first validation.
        best_loss: Their validation loss.
        best_step: The step they are from.
        stale_validations: Validations since then.
        pairs: Digest of the encoded training pairs: in others, a position means something else.
        validation_s: Seconds that the last validation took.
        validations: How often the weights were tried.
        validated_step: The step after which the weights were last tried.
        is_untried: The training was stopped while the weights of this step were being tried, which
            is done anew when it goes on.
        is_guided: Attention is still guided; once it is not, it never is again, however
            long the run becomes.
    """

    step: int = 0
    epoch: int = 0
    batch_in_epoch: int = 0
    batches_of_epoch: int = 1
    elapsed_s: float = 0.0
    target_tokens: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    best_bleu: float = -1.0
    best_loss: float = 0.0
    best_step: int = 0
    stale_validations: int = 0
    validation_s: float = 0.0
    validations: int = 0
    validated_step: int = -1
    is_untried: bool = False
    is_guided: bool = True
    pairs: str = ""

    @property
    def epochs(self) -> float:
        """Passes over the corpus, with the fraction of the current one."""
        return self.epoch + self.batch_in_epoch / self.batches_of_epoch


Tensors = dict[str, dict[str, Tensor]]
"""Groups of tensors by name ("weights", "average", "optimizer"), where they are in memory."""


def save_checkpoint(
    folder: Path, state: TrainState, tensors: Tensors, config: RunConfig | None = None
) -> None:
    """Replace the checkpoint in ``folder``, whole or not at all.

    Args:
        folder: Where to.
        state: How far the training has come.
        tensors: What its steps change.
        config: What it was trained with, to notice what else becomes of the run's own.
    """
    files = {f"{group}.safetensors": weights_bytes(named) for group, named in tensors.items()}
    files[_STATE] = json.dumps(asdict(state), indent=1).encode()
    if config is not None:
        files["config.toml"] = to_toml(config).encode()
    replace_folder(folder, files)


def load_checkpoint(folder: Path, tensors: Tensors) -> TrainState:
    """Fill the tensors from the checkpoint in ``folder`` and give the state they belong to.

    Raises:
        RunError: The checkpoint is damaged, or of another shape of model.
    """
    found = read_folder(folder, "copy the folder again, or start afresh in another --run DIR")
    for group, named in tensors.items():
        file = found / f"{group}.safetensors"
        copy_weights(named, read_tensors(file), file)
    try:
        # a run that was begun before attention was guided goes on without
        return TrainState(**{"is_guided": False} | json.loads((found / _STATE).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(
            f"{found / _STATE}: not a state of this version of nmt ({error}): start afresh in "
            "another --run"
        ) from error
