"""What `nmt translate` does with files: its options for them, and which of them go together."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nmt.cli.lines import standard_input
from nmt.errors import SearchError

if TYPE_CHECKING:
    from nmt.bulk.engines import Engine
    from nmt.bulk.file import Input
    from nmt.config import SearchConfig
    from nmt.runs.directory import RunDirectory
    from nmt.translator.translator import Translation

Engines = Literal["datasets", "ray"]

HEAD_BYTES = 4096
"""Of a text that are looked at to find out its language."""

InputFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="FILE",
        show_default=False,
        help="Translate this file, in the place of standard input. A folder, a pattern in quotes, "
        "several of these options, .jsonl or .parquet: shards, each translated into a file of its "
        "name in the folder --output.",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        show_default=False,
        help="Write translations to this file, which appears when it is whole; until then they are "
        "in FILE.partial. With shards: to this folder.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="With --output: go on where an earlier nmt translate was stopped, if one was. "
        "Finished shards are never translated again.",
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        "--column",
        metavar="NAME",
        show_default=False,
        help="With shards: the column or key to translate, by default text. Translations go into "
        "translation_text.",
    ),
]
EngineName = Annotated[
    Engines | None,
    typer.Option(
        "--engine",
        show_default=False,
        help="With shards: datasets (the default) translates one after the other, ray (Ray Data) "
        "several at a time.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        show_default=False,
        help="With --engine ray: shards translated at a time, by default one for each core.",
    ),
]


@dataclass(frozen=True)
class Files:
    """The options of `nmt translate` for files, as they were given."""

    inputs: list[str]
    output: Path | None
    resume: bool
    column: str | None
    engine: Engines | None
    workers: int | None

    @property
    def are_shards(self) -> bool:
        """Whether they are files of rows, and not one file of lines or standard input."""
        return len(self.inputs) > 1 or any(
            Path(name).is_dir() or not Path(name).exists() or name.endswith((".jsonl", ".parquet"))
            for name in self.inputs
        )

    @property
    def given(self) -> list[str]:
        """The names of those that say where text is."""
        return ["--input"] * bool(self.inputs) + ["--output"] * (self.output is not None)

    def check(self, has_texts: bool, others: list[str]) -> None:
        """Refuse what does not go together.

        Args:
            has_texts: TEXT was given.
            others: The names of options that are for lines of text only, and were given.

        Raises:
            SearchError: Which options these are.
        """
        if has_texts and (self.inputs or self.output):
            raise SearchError("TEXT is printed: leave it out, or leave out --input and --output")
        if self.resume and not self.output:
            raise SearchError("--resume goes on with a file: name it with --output")
        for name in self.inputs:
            if not Path(name).exists() and not any(sign in name for sign in "*?["):
                raise SearchError(
                    f"--input {name}: there is no such file or folder: name one that is there"
                )
        if self.are_shards and not self.output:
            raise SearchError(
                f"--input {self.inputs[0]}: these are shards, each translated into a file of its "
                "own: name a folder for them with --output, or one file of lines"
            )
        if self.are_shards and others:
            raise SearchError(f"{others[0]} is for lines of text, not for shards: leave it out")
        if not self.are_shards and (self.column or self.engine or self.workers):
            raise SearchError(
                "--column, --engine and --workers are for shards: name a folder, .jsonl or "
                ".parquet with --input"
            )
        if self.workers and self.engine != "ray":
            raise SearchError("--workers is for --engine ray")

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
