"""Files that appear whole or not at all, whenever a process is killed.

A single file is written aside and renamed (`write_atomically`); a folder whose files belong
together likewise, with a manifest of their sizes and checksums (`replace_folder`, `read_folder`).
"""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nmt.errors import NmtError, RunError

Content = bytes | Callable[[Path], None]
"""What a file is to hold: the bytes, or a function that writes them to the path it is given."""

MANIFEST = "manifest.json"
LARGEST_MANIFEST = 100_000
"""Bytes of a manifest; each file takes about a hundred."""
LARGEST_FILE = 2**33
"""Bytes of a file beside it: weights and moments of 700 million parameters."""


def write_atomically(path: Path, data: Content) -> None:
    """Write a file so that a process killed at any moment leaves the old one or the new one.

    One writer at a time for one path.

    Args:
        path: The file; its folder exists.
        data: The bytes, or a function that writes them to the path it is given.
    """
    begins, ends = f".{path.name}.", ".new"
    aside = path.with_name(f"{begins}{os.urandom(8).hex()}{ends}")
    try:
        for left in path.parent.iterdir():  # by a process that was killed
            if left.name.startswith(begins) and left.name.endswith(ends) and not left.is_dir():
                left.unlink(missing_ok=True)
        _write(aside, data)
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        if error.filename is None or Path(error.filename) in (aside, path.parent):
            error.filename = str(path)  # what a user knows of
        raise
    sync_folder(path.parent)


def refuse_links_out(folder: Path) -> None:
    """Refuse a folder in which a symbolic link leads out of it, or that holds no plain files.

    What a stranger made is then neither read nor written anywhere else, whatever its links say.

    Args:
        folder: Of a model. It may be reached by a link itself.

    Raises:
        RunError: There is such a link, a device, a pipe or a socket in it.
    """
    inside = folder.resolve()
    for path in _entries(folder):
        try:
            leads_out = path.is_symlink() and not path.resolve().is_relative_to(inside)
            mode = stat.S_IFREG if leads_out else path.stat().st_mode
        except FileNotFoundError:
            continue  # gone meanwhile, or a link to nothing
        except (OSError, RuntimeError) as error:
            raise RunError(f"{path}: this link leads nowhere ({error}): remove it") from error
        if leads_out:
            raise RunError(
                f"{path}: this link leads out of the folder, and a model is only read from its "
                "own: put a copy of the file in its place"
            )
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise RunError(f"{path}: this is no file and no folder: remove it")


def _entries(folder: Path, depth: int = 2) -> Iterator[Path]:
    """What is in a folder and, without following links, in the folders in it."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return  # gone meanwhile
    for path in paths:
        yield path
        if depth > 1 and path.is_dir() and not path.is_symlink():
            yield from _entries(path, depth - 1)


def read_limited(path: Path, size_bytes: int) -> bytes:
    """The content of a file that has no more than so many bytes.

    Raises:
        RunError: It has more, or it is no file.
        OSError: It cannot be read.
    """
    if not path.is_file():
        raise RunError(f"{path}: this file is missing, or no file")
    with path.open("rb") as stream:
        content = stream.read(size_bytes + 1)
    if len(content) > size_bytes:
        raise RunError(f"{path}: this file is too large: at most {size_bytes:,} bytes are read")
    return content


def replace_folder(folder: Path, files: Mapping[str, Content]) -> None:
    """Put a folder with these files in the place of ``folder``, whole or not at all.

    A process killed at any moment leaves the complete old folder or the complete new one, and
    `read_folder` finds it. One writer at a time.

    Args:
        folder: The folder; its parent exists.
        files: What each file is to hold. ``manifest.json`` is added.
    """
    for name in files:
        if Path(name).name != name or name in {"..", MANIFEST}:
            raise ValueError(f"not a plain file name: {name!r}")
    _recover(folder)
    new, old = _aside(folder)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    new.mkdir()
    manifest = {}
    for name, content in files.items():
        _write(new / name, content)
        manifest[name] = _size_and_digest(new / name, content)
    _write(new / MANIFEST, json.dumps(manifest, indent=1).encode())
    sync_folder(new)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder that `replace_folder` made, whole or not at all."""
    _recover(folder)
    new, old = _aside(folder)
    # what a kill left there would be taken for the folder that is removed
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def read_folder(folder: Path, remedy: str, largest_bytes: int = LARGEST_FILE) -> Path:
    """The folder that `replace_folder` last completed, its files checked against the manifest.

    Args:
        folder: Where it was written.
        remedy: What a user can do if it is damaged.
        largest_bytes: Of a file. A larger one is refused before any of it is read.

    Returns:
        ``folder`` itself, or where a kill left it in the middle of being replaced.

    Raises:
        RunError: There is none, or a file is missing or has changed.
    """
    survivor = surviving_folder(folder)
    if survivor is None:
        raise RunError(f"{folder}: there is no such folder")
    damage = _damage(survivor, largest_bytes)
    if damage:
        raise RunError(f"{damage}: {remedy}")
    return survivor


def surviving_folder(folder: Path) -> Path | None:
    """Where the folder that `replace_folder` last completed is, or None if there is none yet."""
    if folder.exists():
        return folder
    # Killed between the two renames: the new folder is complete, and so is the old one.
    return next((aside for aside in _aside(folder) if not _damage(aside)), None)


def _aside(folder: Path) -> tuple[Path, Path]:
    """Where a new folder is written, and where the old one goes before it is removed."""
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")


def _recover(folder: Path) -> None:
    """Finish a replacement in which a process was killed."""
    survivor = surviving_folder(folder)
    if survivor is not None and survivor != folder:
        survivor.rename(folder)
        sync_folder(folder.parent)


def _damage(folder: Path, largest_bytes: int = LARGEST_FILE) -> str:
    """What is wrong with a folder, going by its manifest; empty if nothing is."""
    try:
        manifest = json.loads(read_limited(folder / MANIFEST, LARGEST_MANIFEST))
        for name, (size_bytes, digest) in manifest.items():
            file = folder / Path(name).name
            if not file.is_file():
                return f"{file}: this file is missing"
            if (found_bytes := file.stat().st_size) > largest_bytes:
                return f"{file}: this file is too large ({found_bytes:,} bytes)"
            if found_bytes != size_bytes or digest_of(file) != digest:
                return f"{file}: this file is damaged (its checksum is another)"
    except RunError as error:
        return str(error)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        return f"{folder / MANIFEST}: this file is missing or damaged ({error})"
    return ""


def _write(path: Path, content: Content) -> None:
    """Write a file to the disk where there is none: nothing that is there already is followed."""
    path.touch(exist_ok=False)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        mode = path.stat().st_mode
        content(path)
        path.chmod(mode)  # whatever wrote it: safetensors takes 0600
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _size_and_digest(path: Path, content: Content) -> tuple[int, str]:
    """The size in bytes and the SHA-256 of a file that was written."""
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()
    return path.stat().st_size, digest_of(path)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power failure."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(file: Path, refusal: NmtError) -> Iterator[None]:
    """Keep other processes out that lock the same file; a killed process leaves no lock.

    The file stays: another process may be about to lock it.

    Args:
        file: Its folder exists.
        refusal: What to raise where another process has locked it.
    """
    import filelock

    lock = filelock.FileLock(file, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise refusal from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def naming(file: Path | str) -> Iterator[None]:
    """Have an error of the disk say which file was written: that of a write alone does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(file)
        raise
