"""Translating speed, memory and BLEU of a trained run, and of OpenNMT-py on the same sentences.

    python benchmarks/decode_speed.py --model RUN --source FILE --reference FILE
        [--opennmt FOLDER] [--json FILE]

Exports the run as it should be measured (the run itself is left alone), and prints three tables:

cold        `nmt translate SENTENCE`, from the start of the process to its exit
warm        a sentence of ten words in a process that has loaded the model
throughput  the whole file, by beam, backend and sentences in a batch, loading not counted

Speed is in target tokens a second: subwords, with the end of each sentence, of both systems, which
have the same subwords if FOLDER was made with `opennmt.py train --model RUN`. Each measurement is a
process of its own, so that memory is that row's; the rows take turns, --times times, so that what
else the machine does meets all alike; times are medians, and memory is the most that was seen.
Nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import measuring
import opennmt
import peers

HERE = Path(__file__).resolve().parent
OPENNMT = "OpenNMT-py"
# name: (number format of the export, or torch for none; uses its shortlist)
BACKENDS = {
    "int8": ("int8", True),
    "int8, no shortlist": ("int8", False),
    "fp32": ("fp32", True),
    "fp32, no shortlist": ("fp32", False),
    "torch": ("torch", False),
}
WORDS_OF_A_WARM_SENTENCE = 10
WARM_TIMES = 50
IN_A_TURN = {"cold": 3, "warm": 1, "throughput": 1}
BUSY = 0.5


@dataclass(frozen=True)
class System:
    """A translator, as the commands that run it.

    Attributes:
        name: In the tables.
        cold: Translates one sentence.
        once: Translates a file and prints JSON, given --source, --output, --beam, --batch and
            --singly.
    """

    name: str
    cold: tuple[str, ...]
    once: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What is measured: the kind is cold, warm or throughput; a batch of 0 is the system's own."""

    kind: str
    system: System
    beam: int
    batch: int = 0


@dataclass(frozen=True)
class Measured:
    """One run of a row; tokens is 0 where they were not counted."""

    seconds: float
    peak_mb: float
    tokens: int = 0


@dataclass(frozen=True)
class Result:
    """All runs of a row. The ratio is to OpenNMT-py; above 1 is better, None is not known."""

    kind: str
    system: str
    beam: int
    batch: int
    seconds: float
    fastest_s: float
    slowest_s: float
    peak_mb: float
    tokens: int
    tokens_per_s: float | None
    bleu: float | None
    ratio: float | None = None


def main() -> None:
    arguments = parse_arguments()
    load = os.getloadavg()[0]
    if load > BUSY:
        say(f"something else is running (load average {load:.1f}): the figures will be too low")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(arguments, Path(scratch))
        measured: dict[Row, list[Measured]] = {row: [] for row in bench.rows()}
        for turn in range(arguments.times):
            for row, found in measured.items():
                found += [bench.measure(row) for _ in range(IN_A_TURN[row.kind])]
                say(f"{turn + 1}/{arguments.times}  {described(row)}  {found[-1].seconds:.4f} s")
        scores, signature = bench.scores()
    results = compared([summary(row, found, scores) for row, found in measured.items()])
    about = {**machine(), "load_average": load, "times": arguments.times, "bleu": signature}
    for line in report(results, about):
        print(line)
    if arguments.json:
        every = {"about": about, "results": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(every, indent=1) + "\n")


class Bench:
    """The systems, the sentences, and a folder for what they write."""

    def __init__(self, arguments: argparse.Namespace, scratch: Path) -> None:
        self.arguments = arguments
        self.scratch = scratch
        self.lines = measuring.lines_of(arguments.source)
        self.warm_file = scratch / "warm.txt"
        self.warm_file.write_text(warm_sentence(self.lines) + "\n", encoding="utf-8")
        self.systems = [self.own(name) for name in arguments.backends]
        if arguments.opennmt:
            self.systems.insert(0, self.peer(arguments.opennmt.resolve()))

    def rows(self) -> list[Row]:
        arguments = self.arguments
        return rows(self.systems, arguments.beams, arguments.batches, arguments.opennmt_batch)

    def own(self, name: str) -> System:
        """nmt with one of the BACKENDS."""
        precision, shortlist = BACKENDS[name]
        folder = self.scratch / precision
        if not folder.exists():
            prepare(self.arguments.model, precision, folder)
        off = () if shortlist else ("--no-shortlist",)
        setting = () if shortlist else ("--set", "search.shortlist=false")
        model = ("--model", str(folder))
        return System(
            f"nmt {name}",
            (sys.executable, "-m", "nmt", "translate", *model, *setting, self.arguments.sentence),
            (sys.executable, str(HERE / "decode_once.py"), *model, *off),
        )

    def peer(self, folder: Path) -> System:
        python = str(peers.python_of(folder))
        script = str(HERE / "opennmt.py")
        cold = opennmt.cold_command(folder, self.arguments.sentence, self.scratch)
        return System(OPENNMT, tuple(cold), (python, script, "--folder", str(folder), "translate"))

    def measure(self, row: Row) -> Measured:
        """Run a row once."""
        environment = opennmt.environment() if row.system.name == OPENNMT else None
        if row.kind == "cold":
            return Measured(*measuring.run(row.system.cold, environment))
        command = [*row.system.once, "--beam", str(row.beam)]
        if row.kind == "warm":
            command += ["--source", str(self.warm_file), "--singly", str(WARM_TIMES)]
        else:
            command += ["--source", str(self.arguments.source), "--batch", str(row.batch)]
            command += ["--output", str(self.output(row))]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{run.stderr}")
        found = json.loads(run.stdout.splitlines()[-1])
        return Measured(found["seconds"], found["peak_mb"], found.get("tokens", 0))

    def output(self, row: Row) -> Path:
        """Where a row writes its translations."""
        return self.scratch / f"{row.system.name} {row.beam} {row.batch}.txt"

    def scores(self) -> tuple[dict[Row, float], str]:
        """BLEU of what each row wrote, and its signature."""
        # Only now: the processes that are measured must not start from a large one.
        from sacrebleu.metrics.bleu import BLEU

        from nmt.evaluation.metrics import bleu_tokenizer

        references = measuring.lines_of(self.arguments.reference)
        metric = BLEU(tokenize=bleu_tokenizer(self.arguments.target))
        scores = {}
        for row in self.rows():
            if row.kind == "throughput":
                hypotheses = measuring.lines_of(self.output(row))
                if len(hypotheses) != len(references):
                    raise SystemExit(
                        f"{len(hypotheses)} translations, {len(references)} references"
                    )
                scores[row] = metric.corpus_score(hypotheses, [references]).score
        return scores, str(metric.get_signature())


def rows(
    systems: Sequence[System], beams: Sequence[int], batches: Sequence[int], opennmt_batch: int
) -> list[Row]:
    """What is measured. By batch size only the first of nmt is: it would be long for all."""
    own = [system for system in systems if system.name != OPENNMT]
    found = [Row("cold", system, 5) for system in systems]
    found += [Row("warm", system, beam) for beam in beams for system in systems]
    for beam in beams:
        for system in systems:
            sizes = [0] if system in own else [opennmt_batch]
            if system == own[0]:
                sizes += batches
            found += [Row("throughput", system, beam, size) for size in sizes]
    return found


def prepare(run: Path, precision: str, folder: Path) -> None:
    """A copy of a run that translates with one backend."""
    if precision == "torch":
        folder.mkdir()
        for file in [run / "config.toml", run / "model.safetensors", *run.glob("*.model")]:
            shutil.copy(file, folder)
        return
    command = [sys.executable, "-m", "nmt", "export", str(run)]
    command += ["--precision", precision, "--to", str(folder)]
    measuring.run(command, None)


def warm_sentence(lines: Sequence[str]) -> str:
    """The first line of ten words; else the one that comes nearest."""
    return min(lines, key=lambda line: abs(len(line.split()) - WORDS_OF_A_WARM_SENTENCE))


def summary(row: Row, runs: Sequence[Measured], scores: dict[Row, float]) -> Result:
    """Medians of the times, the most of the memory."""
    seconds = statistics.median(run.seconds for run in runs)
    return Result(
        kind=row.kind,
        system=row.system.name,
        beam=row.beam,
        batch=row.batch,
        seconds=seconds,
        fastest_s=min(run.seconds for run in runs),
        slowest_s=max(run.seconds for run in runs),
        peak_mb=max(run.peak_mb for run in runs),
        tokens=runs[-1].tokens,
        tokens_per_s=runs[-1].tokens / seconds if runs[-1].tokens else None,
        bleu=scores.get(row),
    )


def compared(results: Sequence[Result]) -> list[Result]:
    """The same with their ratios to OpenNMT-py, in the same kind with the same beam."""
    peers = {(one.kind, one.beam): one for one in results if one.system == OPENNMT}
    with_ratios = []
    for one in results:
        peer = peers.get((one.kind, one.beam))
        ratio = None
        if peer and one.tokens_per_s and peer.tokens_per_s:
            ratio = one.tokens_per_s / peer.tokens_per_s
        elif peer:
            ratio = peer.seconds / one.seconds
        with_ratios.append(Result(**{**asdict(one), "ratio": ratio}))
    return with_ratios


def report(results: Sequence[Result], about: dict[str, Any]) -> list[str]:
    """The tables, for people."""
    lines = [", ".join(f"{key} {value}" for key, value in about.items() if key != "bleu")]
    cells: list[tuple[str, ...]]
    cells = [("cold", "seconds", "fastest", "slowest", f"x {OPENNMT}", "peak MB")]
    for one in of_kind(results, "cold"):
        times = (one.seconds, one.fastest_s, one.slowest_s)
        cells.append((one.system, *(f"{s:.3f}" for s in times), times_over(one), mb(one)))
    lines += ["", *table(cells)]
    cells = [("warm", "beam", "ms", "fastest", "slowest", f"x {OPENNMT}", "peak MB")]
    for one in of_kind(results, "warm"):
        times = (one.seconds, one.fastest_s, one.slowest_s)
        shown = [f"{1000 * s:.2f}" for s in times]
        cells.append((one.system, str(one.beam), *shown, times_over(one), mb(one)))
    lines += ["", *table(cells)]
    head = (
        "tokens/s",
        "slowest",
        "fastest",
        f"x {OPENNMT}",
        "seconds",
        "tokens",
        "peak MB",
        "BLEU",
    )
    cells = [("throughput", "beam", "batch", *head)]
    for one in of_kind(results, "throughput"):
        speeds = [one.tokens / s for s in (one.seconds, one.slowest_s, one.fastest_s)]
        what = (one.system, str(one.beam), str(one.batch or "own"))
        shown = [*(f"{speed:,.0f}" for speed in speeds), times_over(one), f"{one.seconds:.2f}"]
        bleu = "" if one.bleu is None else f"{one.bleu:.2f}"
        cells.append((*what, *shown, str(one.tokens), mb(one), bleu))
    lines += ["", *table(cells), "", f"BLEU {about['bleu']}"]
    return lines


def of_kind(results: Sequence[Result], kind: str) -> list[Result]:
    return [one for one in results if one.kind == kind]


def times_over(result: Result) -> str:
    return "" if result.ratio is None else f"{result.ratio:.1f}"


def mb(result: Result) -> str:
    return f"{result.peak_mb:.0f}"


def table(cells: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def described(row: Row) -> str:
    batch = f", batches of {row.batch}" if row.batch else ""
    return f"{row.kind}: {row.system.name}, beam {row.beam}{batch}"


def machine() -> dict[str, Any]:
    names = Path("/proc/cpuinfo")
    models = [
        line.split(":", 1)[1].strip()
        for line in (names.read_text().splitlines() if names.exists() else [])
        if line.startswith("model name")
    ]
    processor = models[0] if models else platform.processor()
    return {"processor": processor, "cores": os.cpu_count(), "python": platform.python_version()}


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a trained run")
    parser.add_argument("--source", type=Path, required=True, help="sentences, one a line")
    parser.add_argument("--reference", type=Path, required=True, help="their translations")
    parser.add_argument("--target", default="en", help="language of --reference, for BLEU")
    parser.add_argument("--sentence", default="Je suis étudiant", help="what is translated cold")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--batches", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--opennmt", type=Path, metavar="FOLDER", help="made by opennmt.py")
    parser.add_argument("--opennmt-batch", type=int, default=64)
    parser.add_argument("--times", type=int, default=3, help="turns that each row has")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
