"""What `nmt translate` does with files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nmt.cli.lines import standard_input
from nmt.cli.options import option
from nmt.cli.together import SHARDS
from nmt.errors import SearchError

if TYPE_CHECKING:
    from nmt.bulk.engines import Engine
    from nmt.bulk.file import Input
    from nmt.config import SearchConfig
    from nmt.runs.directory import RunDirectory
    from nmt.translator.translator import Translation

HEAD_BYTES = 4096
"""Of a text that are looked at to find out its language."""

STREAM = "-"
"""What names standard input and standard output where a file is to be named."""


@dataclass(frozen=True)
class Files:
    """The options of `nmt translate` for files, as they were given."""

    inputs: list[str] = option(
        "--input FILE",
        "Translate this file instead of standard input. A folder, a pattern in quotes, several of "
        "these options, .jsonl or .parquet: shards, each translated into a file of its name in the "
        "folder --output.",
        list,
    )
    output: Path | None = option(
        "--output FILE",
        "Write translations to this file, which appears when it is whole; until then they are in "
        "FILE.partial. With shards: to this folder. - is standard output.",
    )
    resume: bool = option(
        "--resume",
        "With --output: go on where an earlier nmt translate was stopped, if one was. Finished "
        "shards are never translated again.",
        False,
    )
    column: str | None = option(
        "--column NAME",
        "With shards: the column or key to translate, by default text. Translations go into "
        "translation_text.",
    )
    engine: Literal["datasets", "ray"] | None = option(
        "--engine",
        "With shards: datasets (the default) translates one after the other, ray (Ray Data) "
        "several at a time.",
    )
    workers: int | None = option(
        "--workers N",
        "With --engine ray: shards translated at a time, by default one for each core.",
        min=1,
    )

    def __post_init__(self) -> None:
        """Take ``-`` for the stream that it is."""
        if self.inputs == [STREAM]:
            self.inputs.clear()
        if self.output == Path(STREAM):
            object.__setattr__(self, "output", None)

    @property
    def implied(self) -> list[str]:
        """What this is in the table of `nmt.cli.together`."""
        return [SHARDS] * self.are_shards + ["--engine ray"] * (self.engine == "ray")

    @property
    def are_shards(self) -> bool:
        """Whether they are files of rows, and not one file of lines or standard input."""
        return len(self.inputs) > 1 or any(
            Path(name).is_dir() or _is_pattern(name) or name.endswith((".jsonl", ".parquet"))
            for name in self.inputs
        )

    def check(self) -> None:
        """Refuse files that are not there.

        Raises:
            SearchError: Which that is.
        """
        for name in self.inputs:
            if not Path(name).exists() and not _is_pattern(name):
                raise SearchError(
                    f"--input {name}: there is no such file or folder: name one that is there"
                )

    @contextmanager
    def opened(self) -> "Iterator[Input]":
        """The file of lines, or standard input."""
        from nmt.bulk.file import Input

        if not self.inputs:
            yield Input("standard input", self._standard_input)
            return
        with Path(self.inputs[0]).open("rb") as stream:
            yield Input(self.inputs[0], stream)

    def head(self) -> str:
        """The beginning of the text, without taking it away: of standard input what is there."""
        if self.inputs:
            with Path(self.inputs[0]).open("rb") as stream:
                data = stream.read(HEAD_BYTES)
        else:
            data = self._standard_input.peek(HEAD_BYTES)[:HEAD_BYTES]
        # What is not text is refused where its line is known.
        return data.decode(errors="ignore").replace("\0", "")

    @cached_property
    def _standard_input(self) -> BufferedReader:
        return standard_input()

    def translate_lines(
        self,
        translate: "Callable[[list[str]], list[Translation]]",
        written: "Callable[[int, Translation], list[str]]",
        belongs_to: dict[str, Any],
    ) -> None:
        """Translate the file of lines into the file --output.

        Args:
            translate: Translates texts.
            written: What to write of the translation of a line with this number.
            belongs_to: What the written lines depend on besides the input; plain values of JSON.
        """
        from nmt.bulk.file import Output, translate_file
        from nmt.progress import make_display

        assert self.output is not None
        with self.opened() as input, closing(make_display(sys.stderr.isatty())) as display:
            translate_file(
                translate,
                input,
                Output(self.output, belongs_to),
                resume=self.resume,
                display=display,
                written=written,
            )

    def translate_shards(self, run: "RunDirectory", search: "SearchConfig") -> None:
        """Translate the shards into the folder --output."""
        from nmt.bulk.batches import BatchTranslator
        from nmt.bulk.engines import translate_shards
        from nmt.bulk.formats import COLUMN
        from nmt.bulk.shards import find_shards
        from nmt.progress import make_display

        assert self.output is not None
        shards = find_shards(self.inputs, self.output)
        translate = BatchTranslator(run.path, self.column or COLUMN, search)
        with closing(make_display(sys.stderr.isatty())) as display:
            translate_shards(shards, translate, self._engine(), display)

    def _engine(self) -> "Engine":
        from nmt.bulk.engines import DatasetsEngine, RayEngine

        return RayEngine(self.workers) if self.engine == "ray" else DatasetsEngine()


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[") and not Path(name).exists()
