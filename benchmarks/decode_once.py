"""Translate a file with nmt, once, and print what it took as JSON: a row of decode_speed.py.

    python benchmarks/decode_once.py --model RUN --source FILE [--beam 5] [--batch 64]

Loading is timed apart, and a warm-up is not timed at all. Tokens are subwords of the target, with
the end of each sentence. With --singly N, lines are translated one by one, N times each, and the
time is the median of a line.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import processes

WARM_UP_SENTENCES = 64


def main() -> None:
    arguments = parse_arguments()
    lines = arguments.source.read_text(encoding="utf-8").splitlines()
    started = time.perf_counter()
    translator = load(arguments)
    load_s = time.perf_counter() - started
    translator.translate(lines[:WARM_UP_SENTENCES])
    found: dict[str, Any] = {"load_s": load_s}
    if arguments.singly:
        found["seconds"] = median_of_a_line(translator, lines * arguments.singly)
    else:
        started = time.perf_counter()
        translations = translator.translate(lines)
        found["seconds"] = time.perf_counter() - started
        found["tokens"] = sum(len(one.hypotheses[0].pieces) for one in translations)
        if arguments.output:
            text = "".join(f"{one.text}\n" for one in translations)
            arguments.output.write_text(text, encoding="utf-8")
    print(json.dumps({**found, "peak_mb": processes.peak_mb()}))


def load(arguments: argparse.Namespace) -> Any:
    from nmt import translator
    from nmt.config import override
    from nmt.run import RunDirectory

    run = RunDirectory(arguments.model)
    settings = [f"search.beam={arguments.beam}", "search.n_best=1"]
    settings += [f"search.shortlist={'false' if arguments.no_shortlist else 'true'}"]
    if arguments.batch:
        translator.SENTENCES_PER_BATCH = arguments.batch
        translator.ROWS_PER_BATCH = arguments.batch * arguments.beam
    return translator.Translator.load(run, override(run.config(), settings).search)


def median_of_a_line(translator: Any, lines: list[str]) -> float:
    """Seconds."""
    times = []
    for line in lines:
        started = time.perf_counter()
        translator.translate([line])
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="where to write the translations")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--batch", type=int, default=0, help="sentences; 0: as many as nmt chooses")
    parser.add_argument("--no-shortlist", action="store_true")
    parser.add_argument("--singly", type=int, default=0, metavar="N")
    return parser.parse_args()


if __name__ == "__main__":
    main()
