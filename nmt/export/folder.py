"""The files of an exported model: two graphs, the arrays beside them, and what they are."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nmt.errors import RunError
from nmt.export.checking import LARGEST, check_graph
from nmt.export.graph import Array
from nmt.export.onnx_stepper import OnnxStepper
from nmt.export.shortlist import Everything, Lexicon
from nmt.files import read_folder, read_limited

if TYPE_CHECKING:
    from nmt.export.graphs import Export

FORMAT = 3
REMEDY = "write it anew with `nmt export`, or copy the folder again"
SETTINGS = "settings.json"
LARGEST_SETTINGS = 10_000
"""Bytes of the settings; what nmt writes has 300."""
LARGEST_VOCABULARY = 2**20
SETTING_KEYS: dict[str, Callable[[Any], bool]] = {
    "tokenizers": lambda pair: isinstance(pair, list) and len(pair) == 2,
    "target_vocabulary": lambda n: type(n) is int and 4 <= n <= LARGEST_VOCABULARY,
    "is_joint": lambda answer: isinstance(answer, bool),
}
"""What each has to be."""
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
    folder = read_folder(folder, REMEDY, LARGEST)
    settings = _settings(folder)
    for graph in (folder / ENCODER, folder / STEP):
        check_graph(graph)
    source = _array(folder / SOURCE_EMBEDDINGS, 2)
    target = _array(folder / TARGET_EMBEDDINGS, 2) if _has(folder, TARGET_EMBEDDINGS) else source
    if len(target) != settings["target_vocabulary"]:
        raise RunError(f"{folder}: its embeddings are of another vocabulary: {REMEDY}")
    if tuple(settings["tokenizers"]) != tokenizers:
        raise RunError(
            f"{folder}: the export of another run: it was made for other tokenizers than those "
            "beside it: export this run again with `nmt export`, or copy the whole folder"
        )
    return OnnxStepper(
        folder / ENCODER,
        folder / STEP,
        (source, target),
        Everything(settings["target_vocabulary"]),
        _lexicon(folder, settings),
    )


def load_lexicon(folder: Path) -> Lexicon | None:
    """The shortlists of an exported model; None if it has none.

    Raises:
        RunError: A file is missing or damaged.
    """
    folder = read_folder(folder, REMEDY, LARGEST)
    return _lexicon(folder, _settings(folder))


def _lexicon(folder: Path, settings: Mapping[str, Any]) -> Lexicon | None:
    if not _has(folder, TRANSLATIONS):
        return None
    translations, common = _array(folder / TRANSLATIONS, 2), _array(folder / COMMON, 1)
    size = settings["target_vocabulary"]
    for tokens in (translations, common):
        if tokens.dtype.kind not in "iu" or tokens.max(initial=0) >= size or tokens.min(initial=0):
            raise RunError(f"{folder}: its shortlists are of another vocabulary: {REMEDY}")
    remainder = _array(folder / REMAINDER, 1)
    return Lexicon(translations, common, size, settings["is_joint"], remainder)


def _settings(folder: Path) -> Mapping[str, Any]:
    file = folder / SETTINGS
    try:
        settings = json.loads(read_limited(file, LARGEST_SETTINGS)) if file.is_file() else {}
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file}: this is no JSON ({error}): {REMEDY}") from error
    found = settings.get("format") if isinstance(settings, dict) else None
    if found != FORMAT:
        raise RunError(
            f"{file}: an export of another version of nmt (format {str(found)[:20]}, this one "
            f"reads {FORMAT}): export the run again with `nmt export`, or get a model made for "
            "this one"
        )
    for key, is_right in SETTING_KEYS.items():
        if key not in settings or not is_right(settings[key]):
            raise RunError(f"{file}: {key} is missing or wrong: {REMEDY}")
    return dict(settings)


def _has(folder: Path, name: str) -> bool:
    return (folder / name).exists()


def _array(file: Path, axes: int) -> Array:
    """An array, read whole: nothing that happens to its file later changes it."""
    try:
        # which refuses a header that asks for more than there is in the file, and zip archives
        array = np.array(np.lib.format.open_memmap(file, mode="r"))
    except OSError as error:
        raise RunError(f"{file}: cannot be read as an array: {error}") from error
    except Exception as error:  # of all kinds, by what a header says
        raise RunError(f"{file}: this is no array: {REMEDY}") from error
    if array.ndim != axes or array.dtype.kind not in "iuf":
        raise RunError(f"{file}: this is an array of another kind: {REMEDY}")
    return array


def _bytes(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
