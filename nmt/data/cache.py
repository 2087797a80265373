"""Folders of derived data that are either complete or not there."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from nmt.errors import CorpusError

MANIFEST = "manifest.json"
ABANDONED_AFTER_S = 24 * 3600
_BLOCK_BYTES = 1 << 20


def cache_folder() -> Path:
    """Where derived data is kept.

    ``$HF_DATASETS_CACHE/nmt`` if that is set, else ``$XDG_CACHE_HOME/nmt``, else ``~/.cache/nmt``.
    """
    datasets_cache = os.environ.get("HF_DATASETS_CACHE")
    if datasets_cache:
        return Path(datasets_cache).expanduser() / "nmt"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "nmt"


def cached(kind: str, key: Mapping[str, object], build: Callable[[Path], None]) -> Path:
    """The folder that ``build`` filled for this key, now or in an earlier run.

    It is filled under another name and renamed when every byte is on disk, so whatever stops the
    process leaves no half of it; of two processes that build the same one, the first wins.

    Args:
        kind: Name of the sort of data, a folder in the cache.
        key: Everything the result depends on; plain values.
        build: Writes files (no folders) into the folder it is given.

    Raises:
        CorpusError: The cache cannot be written, for lack of space or of permission.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    folder = cache_folder() / kind / digest
    if _is_complete(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        aside = Path(tempfile.mkdtemp(prefix=".", suffix=f"-{digest}", dir=folder.parent))
        try:
            build(aside)
            _seal(aside)
            _move(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise CorpusError(
            f"{folder.parent}: cannot keep the prepared corpus here ({error.strerror or error}): "
            "make room, or name another folder in the environment variable HF_DATASETS_CACHE"
        ) from error
    return folder


def _is_complete(folder: Path) -> bool:
    """Whether every file is there with the size and the checksum that it was written with."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return all(_is_whole(folder / name, facts) for name, facts in manifest.items())
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return False


def _is_whole(file: Path, facts: int | list[int]) -> bool:
    """Whether a file is as its manifest says: its size, since version 0.2 its CRC-32 too."""
    if isinstance(facts, int):
        return file.stat().st_size == facts
    return file.stat().st_size == facts[0] and _checksum(file) == facts[1]


def _checksum(file: Path) -> int:
    """The CRC-32 of a file, which takes a second for a gigabyte."""
    checksum = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _seal(folder: Path) -> None:
    """Flush every file to disk and note its size and its checksum."""
    files = sorted(folder.iterdir())
    manifest = folder / MANIFEST
    facts = {file.name: (file.stat().st_size, _checksum(file)) for file in files}
    manifest.write_text(json.dumps(facts))
    for path in (*files, manifest, folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _move(aside: Path, folder: Path) -> None:
    """Give the finished folder its name, unless another process was first."""
    if folder.exists() and not _is_complete(folder):
        shutil.rmtree(folder)
    try:
        aside.rename(folder)
    except OSError:
        if not _is_complete(folder):
            raise


def _remove_abandoned(parent: Path) -> None:
    """Delete what a killed process left behind; what is younger may still be being written."""
    newest_allowed = time.time() - ABANDONED_AFTER_S
    for aside in parent.glob(".*-*"):
        with contextlib.suppress(OSError):
            if max(path.stat().st_mtime for path in (aside, *aside.iterdir())) < newest_allowed:
                shutil.rmtree(aside, ignore_errors=True)
