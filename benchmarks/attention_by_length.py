"""What attention buys, by the length of the source: the starter recipe with and without it.

    python benchmarks/attention_by_length.py [--folder checkpoints/attention]

Trains the starter recipe as it is, with ``model.attention = "none"``, and again without attention
but with the context vector fed to every step; evaluates all on the starter test set, and prints
BLEU by source length as a Markdown table. Runs that are finished are not trained again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

VARIANTS = {
    "attention": [],
    "none": ["--set", "model.attention=none"],
    "none-fed": ["--set", "model.attention=none", "--set", "model.context_every_step=true"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("checkpoints/attention"))
    arguments = parser.parse_args()
    results = {}
    for name, settings in VARIANTS.items():
        run = arguments.folder / name
        nmt("train", "starter", "--run", str(run), "--resume", *settings)
        results[name] = json.loads(nmt("eval", "--model", str(run), "--json"))
    print(table(results))


def nmt(*arguments: str) -> str:
    """What the command prints on stdout; its stderr goes to ours."""
    command = [sys.executable, "-m", "nmt", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def table(results: dict[str, dict[str, Any]]) -> str:
    """BLEU by source length, a column for each variant."""
    names = list(results)
    lines = ["| words in the source | sentences | " + " | ".join(names) + " |"]
    lines.append("|---" * (len(names) + 2) + "|")
    buckets = zip(*(results[name]["by_source_length"] for name in names), strict=True)
    for bucket in buckets:
        first = bucket[0]
        span = f"{first['shortest']} to {first['longest'] or 'more'}"
        scores = " | ".join(f"{one['bleu']:.1f}" for one in bucket)
        lines.append(f"| {span} | {first['sentences']} | {scores} |")
    scores = " | ".join(f"{results[name]['bleu']['score']:.1f}" for name in names)
    lines.append(f"| all | | {scores} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
