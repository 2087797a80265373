"""What drives the translation of shards: the `datasets` library, or Ray Data over many workers."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from nmt.bulk.batches import BatchTranslator
from nmt.bulk.file import locked
from nmt.bulk.formats import INTO, format_of
from nmt.bulk.shards import Shard, unfinished, write_shard
from nmt.errors import BulkError, NmtError
from nmt.progress import Display, Meter
from nmt.text.lines import LINES_PER_CHUNK

Told = Callable[[int, int], object]
"""Told how many rows and how many shards were just finished."""


class Engine(Protocol):
    """Translates shards."""

    def run(self, shards: Sequence[Shard], translate: BatchTranslator, told: Told) -> None:
        """Translate shards.

        Args:
            shards: At least one.
            translate: What translates a batch of rows.
            told: Told how it goes.

        Raises:
            NmtError: A shard is damaged, or Ray is not installed. Finished shards stay.
        """


class DatasetsEngine:
    """Streams one shard after the other through ``datasets.IterableDataset.map``."""

    def run(self, shards: Sequence[Shard], translate: BatchTranslator, told: Told) -> None:
        """See `Engine`."""
        import datasets

        for shard in shards:
            rows = datasets.IterableDataset.from_generator(
                _rows_of,
                features=datasets.Features({translate.column: datasets.Value("string")}),
                gen_kwargs={"shard": shard, "column": translate.column},
            )
            translated = rows.map(translate, batched=True, batch_size=LINES_PER_CHUNK)
            texts = (row[INTO] for row in translated)
            write_shard(shard, translate, texts, lambda lines: told(lines, 0))
            told(0, 1)


def _rows_of(shard: Shard, column: str) -> Iterator[dict[str, str]]:
    for rows in format_of(shard.input).read(shard.input, column):
        for text in rows.texts:
            yield {column: text}


class RayEngine:
    """Spreads shards over a pool of actors of Ray Data, each with the model in memory.

    Shards and model must be on a disk that every worker sees under the same path.

    Args:
        workers: How many actors, of a core each; None for as many as there are cores.
    """

    def __init__(self, workers: int | None) -> None:
        self._workers = workers

    def run(self, shards: Sequence[Shard], translate: BatchTranslator, told: Told) -> None:
        """See `Engine`."""
        try:
            import ray
            import ray.data
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            raise BulkError(
                "--engine ray needs Ray Data: pip install 'nmt-toolkit[ray]'"
            ) from error
        if not ray.is_initialized():
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        cores = int(ray.cluster_resources().get("CPU", 1))
        workers = min(len(shards), self._workers or cores)
        with _quiet(ray.data.DataContext.get_current()):
            rows = ray.data.from_items(
                [{name: str(path) for name, path in asdict(shard).items()} for shard in shards],
                override_num_blocks=len(shards),
            )
            finished = rows.map_batches(
                ShardTranslator,
                fn_constructor_args=(translate,),
                batch_size=1,
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(size=workers),
            )
            for row in finished.iter_rows():
                if row["problem"]:
                    raise BulkError(row["problem"])
                told(int(row["lines"]), 1)


@contextlib.contextmanager
def _quiet(context: Any) -> Iterator[None]:
    """Keep Ray Data from drawing bars of its own, and from telling what it does."""
    bars = context.enable_progress_bars
    loggers = [logging.getLogger(name) for name in ("ray.data", "ray.data._internal")]
    levels = [logger.level for logger in loggers]
    context.enable_progress_bars = False
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class ShardTranslator:
    """An actor of one core: translates the shards that it is handed.

    Args:
        translate: What translates a batch of rows.
    """

    def __init__(self, translate: BatchTranslator) -> None:
        self._translate = translate.with_threads(1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Translate shards.

        Args:
            batch: Columns ``input`` and ``output``: their paths.

        Returns:
            Columns ``lines``, how many rows each had, and ``problem``, which is empty if it is
            translated and else says why not.
        """
        found: dict[str, list[Any]] = {"lines": [], "problem": []}
        for input, output in zip(batch["input"], batch["output"], strict=True):
            lines: list[int] = []
            problem = ""
            shard = Shard(Path(input), Path(output))
            try:
                write_shard(shard, self._translate, self._translations(shard), lines.append)
            except NmtError as error:
                problem = str(error)
            except OSError as error:
                problem = f"{error.filename or shard.output}: {error.strerror or error}"
            found["lines"].append(sum(lines))
            found["problem"].append(problem)
        return found

    def _translations(self, shard: Shard) -> Iterator[str]:
        column = self._translate.column
        for rows in format_of(shard.input).read(shard.input, column):
            yield from self._translate({column: rows.texts})[INTO]


def translate_shards(
    shards: Sequence[Shard],
    translate: BatchTranslator,
    engine: Engine,
    display: Display,
) -> None:
    """Translate those shards that are not translated yet.

    Args:
        shards: All of them.
        translate: What translates a batch of rows.
        engine: What drives it.
        display: Told how it goes.

    Raises:
        NmtError: An output does not belong to its input, model and options; a shard is damaged; Ray
            is not installed. Finished shards stay.
    """
    folder = shards[0].output.parent
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        left = unfinished(shards, translate)
        if len(left) < len(shards):
            display.note(f"{len(shards) - len(left)} of {len(shards)} shards are finished already")
        if not left:
            return
        meter = Meter(time.monotonic, share=0.0)
        finished = 0

        def told(lines: int, count: int) -> None:
            nonlocal finished
            finished += count
            display.headway(meter.add(lines, None, finished / len(left)))

        engine.run(left, translate, told)
