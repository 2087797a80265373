"""The files of an exported model: two graphs, the arrays beside them, and what they are."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nmt.errors import RunError
from nmt.export.graph import Array
from nmt.export.onnx_stepper import OnnxStepper
from nmt.export.shortlist import Everything, Lexicon
from nmt.files import read_folder

if TYPE_CHECKING:
    from nmt.export.graphs import Export

FORMAT = 3
REMEDY = "write it anew with `nmt export`, or copy the folder again"
SETTINGS = "settings.json"
SETTING_KEYS = ("tokenizers", "target_vocabulary", "is_joint")
ENCODER = "encoder.onnx"
STEP = "step.onnx"
SOURCE_EMBEDDINGS = "source_embeddings.npy"
TARGET_EMBEDDINGS = "target_embeddings.npy"
TRANSLATIONS = "translations.npy"
COMMON = "common.npy"
REMAINDER = "remainder.npy"


def exported_files(
    export: "Export", precision: str, lexicon: Lexicon | None, tokenizers: tuple[str, str]
) -> dict[str, bytes]:
    """The content of each file of an exported model.

    The settings name the precision for people; the graphs hold it.

    Args:
        export: The model.
        precision: Of its products.
        lexicon: Its shortlists, if it has any.
        tokenizers: The digests of the source and of the target tokenizer.
    """
    settings = {
        "format": FORMAT,
        "tokenizers": tokenizers,
        "precision": precision,
        "target_vocabulary": export.target_vocabulary,
        "is_joint": lexicon is not None and lexicon.is_joint,
    }
    files = {
        SETTINGS: json.dumps(settings, indent=1).encode(),
        ENCODER: export.encoder,
        STEP: export.step,
        SOURCE_EMBEDDINGS: _bytes(export.source_embeddings),
    }
    if export.target_embeddings is not export.source_embeddings:
        files[TARGET_EMBEDDINGS] = _bytes(export.target_embeddings)
    if lexicon is not None:
        files[TRANSLATIONS] = _bytes(lexicon.translations)
        files[COMMON] = _bytes(lexicon.common)
        files[REMAINDER] = _bytes(lexicon.remainder)
    return files


def load_stepper(folder: Path, tokenizers: tuple[str, str]) -> OnnxStepper:
    """Load an exported model.

    Args:
        folder: Where it is.
        tokenizers: The digests of the source and of the target tokenizer beside it.

    Raises:
        RunError: A file is missing or damaged, or of another version of nmt, or of another run.
    """
    folder = read_folder(folder, REMEDY)
    settings = _settings(folder)
    source = _array(folder / SOURCE_EMBEDDINGS)
    target = _array(folder / TARGET_EMBEDDINGS) if _has(folder, TARGET_EMBEDDINGS) else source
    if tuple(settings["tokenizers"]) != tokenizers:
        raise RunError(
            f"{folder}: the export of another run: it was made for other tokenizers than those "
            "beside it: export this run again with `nmt export`, or copy the whole folder"
        )
    return OnnxStepper(
        folder / ENCODER,
        folder / STEP,
        (source, target),
        Everything(int(settings["target_vocabulary"])),
        _lexicon(folder, settings),
    )


def load_lexicon(folder: Path) -> Lexicon | None:
    """The shortlists of an exported model; None if it has none.

    Raises:
        RunError: A file is missing or damaged.
    """
    folder = read_folder(folder, REMEDY)
    return _lexicon(folder, _settings(folder))


def _lexicon(folder: Path, settings: Mapping[str, Any]) -> Lexicon | None:
    if not _has(folder, TRANSLATIONS):
        return None
    return Lexicon(
        _array(folder / TRANSLATIONS),
        _array(folder / COMMON),
        int(settings["target_vocabulary"]),
        bool(settings["is_joint"]),
        _array(folder / REMAINDER),
    )


def _settings(folder: Path) -> Mapping[str, Any]:
    file = folder / SETTINGS
    try:
        settings = json.loads(file.read_bytes()) if file.is_file() else {}
    except ValueError as error:
        raise RunError(f"{file}: this is no JSON ({error}): {REMEDY}") from error
    found = settings.get("format") if isinstance(settings, dict) else None
    if found != FORMAT:
        raise RunError(
            f"{file}: an export of another version of nmt (format {found}, this one reads "
            f"{FORMAT}): export the run again with `nmt export`, or get a model made for this one"
        )
    if missing := [key for key in SETTING_KEYS if key not in settings]:
        raise RunError(f"{file}: {missing[0]} is missing: {REMEDY}")
    return dict(settings)


def _has(folder: Path, name: str) -> bool:
    return (folder / name).exists()


def _array(file: Path) -> Array:
    """An array, read from the disk as it is needed."""
    try:
        # As a plain array: looking up in a memmap is several times slower.
        array = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except OSError as error:
        raise RunError(f"{file}: cannot be read as an array: {error}") from error
    except ValueError as error:  # which would have it read as code
        raise RunError(f"{file}: this is no array: {REMEDY}") from error
    return array


def _bytes(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
