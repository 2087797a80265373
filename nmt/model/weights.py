"""A model's weights in a file: safetensors, never pickle."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from nmt.errors import RunError


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights by name, each once, where they are in memory."""
    return {name: parameter.data for name, parameter in model.named_parameters()}


def weights_bytes(tensors: dict[str, Tensor]) -> bytes:
    """The tensors as the content of a safetensors file."""
    return save({name: tensor.contiguous() for name, tensor in tensors.items()})


def load_weights(model: nn.Module, file: Path) -> None:
    """Fill a model with the weights of a file.

    Raises:
        RunError: The file is missing, damaged, or holds another shape of model.
    """
    copy_weights(named_weights(model), read_tensors(file), file)


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        return load_file(file)
    except FileNotFoundError as error:
        raise RunError(f"{file}: there is no such file: train the run again") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(
            f"{file}: not a whole safetensors file ({error}): restore a copy, or train again"
        ) from error


def copy_weights(into: dict[str, Tensor], tensors: dict[str, Tensor], file: Path) -> None:
    """Copy tensors to where they belong, by name.

    Args:
        into: Where to.
        tensors: What was read.
        file: From where, for the error message.

    Raises:
        RunError: Names or shapes differ, or a value is not finite.
    """
    if into.keys() != tensors.keys():
        odd = sorted(into.keys() ^ tensors.keys())
        raise RunError(
            f"{file}: does not fit the run's config.toml: {odd[0]!r} and {len(odd) - 1} other "
            "tensors are in one but not in the other"
        )
    for name, tensor in tensors.items():
        if tensor.shape != into[name].shape:
            raise RunError(
                f"{file}: {name} has shape {list(tensor.shape)}, but the run's config.toml asks "
                f"for {list(into[name].shape)}"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise RunError(f"{file}: {name} holds values that are not finite")
        into[name].copy_(tensor)
