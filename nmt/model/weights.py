"""A model's weights in a file: safetensors, never pickle."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.errors import RunError
from nmt.model.seq2seq import Seq2Seq, build

_CHECKSUM = "sha256"
"""Key of a checksum in the metadata of a safetensors file."""
LARGEST_HEADER = 1_000_000
"""Bytes of the names and shapes in a safetensors file, at most."""


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """The weights by name, each once, where they are in memory."""
    return {name: parameter.data for name, parameter in model.named_parameters()}


def weights_bytes(tensors: dict[str, Tensor]) -> bytes:
    """The tensors as the content of a safetensors file, with a checksum of their numbers."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return save(whole, {_CHECKSUM: _facts_and_checksum(save(whole))[1]})


def _facts_and_checksum(content: bytes) -> tuple[dict[str, str], str]:
    """What a safetensors file says of itself, and the SHA-256 of the numbers behind that."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    numbers = memoryview(content)[8 + size :]
    return header.get("__metadata__", {}), hashlib.sha256(numbers).hexdigest()


def load_model(
    config: ModelConfig, source_vocabulary: int, target_vocabulary: int, file: Path
) -> Seq2Seq:
    """A model with the weights of a file.

    What the file holds is compared with what the sizes ask for before memory is taken for either.

    Raises:
        RunError: The file is missing, damaged, or holds another shape of model.
    """
    with torch.device("meta"):  # shapes without numbers
        outline = named_weights(Seq2Seq(config, source_vocabulary, target_vocabulary))
    size_bytes = sum(4 * tensor.numel() for tensor in outline.values())
    if file.is_file() and not size_bytes <= file.stat().st_size <= size_bytes + LARGEST_HEADER:
        raise RunError(
            f"{file}: does not fit the run's config.toml, whose model has weights of "
            f"{size_bytes:,} bytes: copy the whole folder again"
        )
    model = build(config, source_vocabulary, target_vocabulary)
    load_weights(model, file)
    return model


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
        content = file.read_bytes()
        tensors = load(content)
    except FileNotFoundError as error:
        raise RunError(f"{file}: there is no such file: train the run again") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(
            f"{file}: not a whole safetensors file ({error}): restore a copy, or train again"
        ) from error
    facts, checksum = _facts_and_checksum(content)
    if facts.get(_CHECKSUM, checksum) != checksum:  # files of earlier versions have none
        raise RunError(
            f"{file}: this file is damaged (its checksum is another): restore a copy, or train it "
            "again"
        )
    return tensors


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
