"""Translate a file with nmt, once, and print what it took as JSON: a row of decode_speed.py.

    python benchmarks/decode_once.py --model RUN --source FILE [--beam 5] [--batch 64]

Loading is timed apart, and a warm-up is not timed at all. Tokens are subwords of the target, with
the end of each sentence. With --singly N, lines are translated one by one, N times each, and the
time is the median of a line.
"""

import argparse
import json
from pathlib import Path

import measuring


def main() -> None:
    arguments = parse_arguments()
    source = arguments.source
    if arguments.singly:
        found = measuring.translate_lines(source, lambda: load(arguments), arguments.singly)
    else:
        found = measuring.translate_file(source, lambda: load(arguments), arguments.output)
    print(json.dumps(found))


def load(arguments: argparse.Namespace) -> measuring.Translate:
    from nmt.config import override
    from nmt.runs.directory import RunDirectory
    from nmt.translator import Translator, batched_search

    run = RunDirectory(arguments.model)
    shortlist = "false" if arguments.no_shortlist else "true"
    settings = [f"search.beam={arguments.beam}", "search.n_best=1", f"search.shortlist={shortlist}"]
    if arguments.batch:
        batched_search.SENTENCES_PER_BATCH = arguments.batch
        batched_search.ROWS_PER_BATCH = arguments.batch * arguments.beam
    loaded = Translator.load(run, override(run.config(), settings).search)

    def translate(lines: list[str]) -> tuple[list[str], int]:
        best = [translation.hypotheses[0] for translation in loaded.translate(lines)]
        return [one.text for one in best], sum(len(one.pieces) for one in best)

    return translate


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
