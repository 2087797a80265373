"""Translating a file of any size, in memory for a few lines, so that a kill costs one chunk.

What is translated so far is in ``OUTPUT.partial``, and beside it ``OUTPUT.partial.json`` says of
what, with what, and up to where. Both are on the disk before the next chunk begins. The finished
file takes the name ``OUTPUT``, so a file of that name is whole.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, BinaryIO

from nmt import files
from nmt.errors import BulkError
from nmt.files import sync_folder, write_atomically
from nmt.progress import Display, Meter, counted
from nmt.text.lines import in_chunks, line_of, texts_of

if TYPE_CHECKING:
    from nmt.translator.translator import Translation

Translate = Callable[[list[str]], "list[Translation]"]
"""Translates texts: one translation for each, in order."""

Written = Callable[[int, "Translation"], list[str]]
"""What to write of the translation of a line, given the line's number, from 1."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Input:
    """Lines to translate, not read yet.

    Attributes:
        name: What to call it in messages.
        stream: The bytes, from the start.
    """

    name: str
    stream: BufferedReader

    @cached_property
    def size_bytes(self) -> int | None:
        """How many bytes there are; None for a pipe or a terminal."""
        try:
            status = os.fstat(self.stream.fileno())
        except OSError:  # not a file of the system
            return None
        return status.st_size if S_ISREG(status.st_mode) else None

    def is_file(self, path: Path) -> bool:
        """Whether this is where the lines are read from."""
        try:
            return os.path.samestat(os.fstat(self.stream.fileno()), path.stat())
        except OSError:  # there is no such file, or the lines are in none
            return False

    def share(self, read_bytes: int) -> float | None:
        """Share of the bytes, 0 to 1, that these are; None where the size is not known."""
        return min(read_bytes / self.size_bytes, 1.0) if self.size_bytes else None


@dataclass(frozen=True)
class Done:
    """How far a translation is.

    Attributes:
        lines: Lines of the input that are translated.
        input_bytes: Bytes of the input that they are.
        input_sha256: Of these bytes.
        output_bytes: Bytes of the output that they became.
    """

    lines: int = 0
    input_bytes: int = 0
    input_sha256: str = hashlib.sha256().hexdigest()
    output_bytes: int = 0


@dataclass(frozen=True)
class Output:
    """A file that translations are written to.

    Attributes:
        path: The finished file.
        belongs_to: What the translations depend on besides the input: the model, the options. What
            is there is gone on with only where this is the same; plain values of JSON.
    """

    path: Path
    belongs_to: Mapping[str, Any]

    @property
    def partial(self) -> Path:
        """What is translated so far."""
        return self.path.with_name(f"{self.path.name}.partial")

    @property
    def state_file(self) -> Path:
        """Where it says what `partial` is."""
        return self.path.with_name(f"{self.path.name}.partial.json")

    def begin(self) -> Done:
        """Be ready to translate from the first line.

        Raises:
            BulkError: There is something, whole or in part, that this would overwrite.
        """
        if self.path.is_dir():
            raise BulkError(f"{self.path}: this is a folder: name a file with --output")
        if self.path.exists():
            raise BulkError(
                f"{self.path}: this file exists: remove it, or name another with --output"
            )
        if self.partial.exists():
            raise BulkError(
                f"{self.partial}: part of this file is translated already: go on with --resume, "
                "or remove it"
            )
        self.keep(Done())
        return Done()

    def keep(self, done: Done) -> None:
        """Put down how far the translation is, when `partial` is on the disk that far."""
        state = {"belongs_to": self.belongs_to, "done": asdict(done)}
        write_atomically(self.state_file, json.dumps(state, indent=1).encode())

    def go_on(self) -> Done:
        """Be ready to translate from where an earlier process came to.

        Raises:
            BulkError: What is there was made with another model or other options, or is damaged.
        """
        if not self.partial.exists() and not self.state_file.exists():
            return self.begin()
        done = self._kept()
        size_bytes = self.partial.stat().st_size if self.partial.exists() else 0
        if size_bytes < done.output_bytes:
            raise BulkError(
                f"{self.partial}: has {size_bytes:,} bytes of the {done.output_bytes:,} that were "
                f"written: remove it and {self.state_file.name} and start again"
            )
        return done

    def finish(self) -> None:
        """Give the whole file its name."""
        self.partial.replace(self.path)
        sync_folder(self.path.parent)
        self.state_file.unlink()

    def _kept(self) -> Done:
        try:
            state = json.loads(self.state_file.read_bytes())
            done = Done(**state["done"])
            different = differences(state["belongs_to"], self.belongs_to)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BulkError(
                f"{self.state_file}: missing or damaged, so it is not known what {self.partial} "
                "is: remove both and start again"
            ) from error
        if different:
            raise BulkError(
                f"{self.partial}: begun with {', '.join(different)}: keep to it, or remove the "
                "file to start again"
            )
        return done


def translate_file(
    translate: Translate,
    input: Input,
    output: Output,
    *,
    resume: bool,
    display: Display,
    written: Written | None = None,
    to_go_on: str = "go on with --resume",
) -> None:
    """Translate a file line by line into another, in order.

    Args:
        translate: The translator.
        input: What to translate.
        output: Where to.
        resume: Go on where an earlier process came to, if there is one; if the output is finished,
            do nothing.
        display: Told how it goes.
        written: What to write of a translation, one line or more; None for its text.
        to_go_on: What somebody who stops it is told to do.

    Raises:
        BulkError: The output is the input; or it exists, or (with ``resume``) does not belong to
            this input, model or options, or is being written by another process.
        SearchError: A line is not text. What is before its chunk stays translated.
    """
    if input.is_file(output.path):
        raise BulkError(f"{output.path}: this is what is translated: name another with --output")
    with locked(output.path):
        if resume and output.path.exists():
            output.state_file.unlink(missing_ok=True)
            display.note(f"{output.path}: finished already; to translate it again, remove it")
            return
        done = output.go_on() if resume else output.begin()
        if done.lines:
            display.note(f"{output.path}: translated already: {counted(done.lines, 'line')}")
        try:
            _go_on(translate, input, output, done, display, written or _text)
        except KeyboardInterrupt:
            display.note(f"{output.partial}: what is translated is kept; {to_go_on}")
            raise
        output.finish()


def _go_on(
    translate: Translate,
    input: Input,
    output: Output,
    done: Done,
    display: Display,
    written: Written,
) -> None:
    """Translate what is not done, and put it down chunk by chunk."""
    digest = _skip(input, done, output)
    meter = Meter(time.monotonic, done.lines, input.share(done.input_bytes))
    with _opened(output.partial, done.output_bytes) as file:
        for chunk in in_chunks(input.stream):
            first = done.lines + 1
            translations = translate(texts_of(chunk, first, input.name))
            for number, (line, translation) in enumerate(
                zip(chunk, translations, strict=True), first
            ):
                digest.update(line)
                file.writelines(map(line_of, written(number, translation)))
            file.flush()
            os.fsync(file.fileno())
            done = Done(
                lines=done.lines + len(chunk),
                input_bytes=done.input_bytes + sum(map(len, chunk)),
                input_sha256=digest.hexdigest(),
                output_bytes=file.tell(),
            )
            output.keep(done)
            tokens = sum(len(translation.hypotheses[0].pieces) for translation in translations)
            display.headway(meter.add(len(chunk), tokens, input.share(done.input_bytes)))


def _skip(input: Input, done: Done, output: Output) -> "hashlib._Hash":
    """Read over what is translated already.

    Returns:
        The SHA-256 of it, ready to go on.

    Raises:
        BulkError: It is not what was translated.
    """
    digest = hashlib.sha256()
    left_bytes = done.input_bytes
    block = b"\n"
    while left_bytes and (data := input.stream.read(min(left_bytes, _BLOCK_BYTES))):
        digest.update(data)
        left_bytes -= len(data)
        block = data
    # A last line without a line end has gone on since if anything follows it now.
    is_longer = not block.endswith(b"\n") and bool(input.stream.peek(1))
    if left_bytes or is_longer or digest.hexdigest() != done.input_sha256:
        raise BulkError(
            f"{input.name}: its beginning ({counted(done.lines, 'line')}) is not what is "
            f"translated in {output.partial}: name the same input, or remove that file to start "
            "again"
        )
    return digest


@contextmanager
def _opened(partial: Path, size_bytes: int) -> Iterator[BinaryIO]:
    """A file to write on at, with what was written after that many bytes taken out."""
    with (
        files.naming(partial),
        partial.open("r+b" if partial.exists() else "xb") as file,
    ):
        file.truncate(size_bytes)
        file.seek(size_bytes)
        yield file


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing to a file or folder; a killed process leaves no lock.

    The file that is locked, in the folder or beside the file, stays: another process may be about
    to lock it.

    Raises:
        BulkError: Another process is writing to it, or the folder it is in is not there.
    """
    if not path.parent.is_dir():
        raise BulkError(f"{path}: there is no folder {path.parent}: make it first")
    file = path / ".lock" if path.is_dir() else path.with_name(f".{path.name}.lock")
    with files.locked(file, BulkError(f"{path}: another nmt process is writing to it")):
        yield


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What two descriptions of a job say differently, for people; sections go by their keys."""
    found: list[str] = []
    for key in sorted({*old, *new}):
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        if key in ("model", "input"):
            found.append(f"another {key}")
        elif isinstance(before, dict) and isinstance(now, dict):
            found += [f"{key}.{inner}" for inner in differences(before, now)]
        else:
            found.append(f"{key} {before!r}, now {now!r}")
    return found


def _text(number: int, translation: "Translation") -> list[str]:
    return [translation.text]
