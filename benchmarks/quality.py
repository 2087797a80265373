"""What each choice buys, on equal CPU time: a plan of trainings, and the table of what came out.

    python benchmarks/quality.py --corpus DIR [--plan benchmarks/quality.toml] [--only NAME] ...

DIR holds the splits that the plan's recipe names. Each row of the plan is the base recipe with a
few keys changed, trained once for each seed on one core, for the same number of CPU minutes (the
clock of the training is the CPU time of its process, so that other work on the machine, and the
runs side by side, do not count). What is kept is exported to int8 and translates dev with the
search of the row; test sets are not touched. A run that is finished is not trained again, and one
that was killed goes on.

Prints a Markdown table: dev BLEU of each row, mean and standard deviation over its seeds, its
difference from the first row, target tokens a CPU second, and million parameters.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from nmt.runs.starting import create_run, go_on

PLAN = Path(__file__).with_suffix(".toml")
RESULT = "quality.json"


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        recipe: Name or file of the recipe that all rows share.
        minutes: CPU minutes of each training.
        seeds: Of the trainings of each row.
        base: Settings, ``key=value``, of all rows.
        rows: The further settings of each row, by its name; the first is what others differ from.
        steps: Of the trainings with further seeds, in the place of the minutes: about as many as
            the first took, so that they do not depend on the machine. For rows that say so.
    """

    recipe: str
    minutes: float
    seeds: tuple[int, ...]
    base: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]
    steps: dict[str, int]


def main() -> None:
    arguments = parse_arguments()
    if arguments.train:
        train_once(arguments.train, arguments.recipe, arguments.set)
        return
    plan = read_plan(arguments.plan)
    corpus = f"corpus.path={arguments.corpus.resolve()}"
    wanted = arguments.only or list(plan.rows)
    if unknown := [name for name in wanted if name not in plan.rows]:
        raise SystemExit(f"{arguments.plan} has no row {unknown[0]!r}")
    jobs = list(trainings(plan, wanted, corpus, arguments.folder))
    cores: Queue[int] = Queue()
    for core in sorted(os.sched_getaffinity(0))[: arguments.jobs]:
        cores.put(core)

    def work(job: tuple[Path, list[str]]) -> None:
        folder, settings = job
        if not (folder / RESULT).is_file():
            core = cores.get()
            try:
                train_apart(folder, plan.recipe, settings, core)
            finally:
                cores.put(core)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(work, jobs))
    print(table(plan, results(plan, arguments.folder)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=Path("."))
    parser.add_argument("--plan", type=Path, default=PLAN)
    parser.add_argument("--folder", type=Path, default=Path("checkpoints/quality"))
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="rows of the plan, in the order to train them",
    )
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one on a core")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--recipe", help=argparse.SUPPRESS)
    parser.add_argument("--set", action="append", default=[], help=argparse.SUPPRESS)
    return parser.parse_args()


def read_plan(file: Path) -> Plan:
    """The plan that a TOML file holds."""
    tree = tomllib.loads(file.read_text(encoding="utf-8"))
    return Plan(
        recipe=tree["recipe"],
        minutes=tree["minutes"],
        seeds=tuple(tree["seeds"]),
        base=tuple(tree["base"]),
        rows={row["name"]: tuple(row.get("set", ())) for row in tree["row"]},
        steps={row["name"]: row["steps"] for row in tree["row"] if "steps" in row},
    )


def trainings(
    plan: Plan, wanted: list[str], corpus: str, folder: Path
) -> Iterator[tuple[Path, list[str]]]:
    """The folder and the settings of each training, all rows with the first seed first."""
    for seed in plan.seeds:
        for name in wanted:
            settings = [*plan.base, *plan.rows[name], corpus, f"seed={seed}"]
            if seed != plan.seeds[0] and name in plan.steps:
                settings.append(f"training.steps={plan.steps[name]}")
            else:
                settings.append(f"training.minutes={plan.minutes}")
            yield run_folder(folder, name, seed), settings


def run_folder(folder: Path, name: str, seed: int) -> Path:
    """Where the training of a row with a seed is."""
    return folder / f"{name.replace(' ', '-').replace('/', '-')}.{seed}"


def train_apart(folder: Path, recipe: str, settings: list[str], core: int) -> None:
    """Train in a process of its own, on one core."""
    command = [sys.executable, __file__, "--train", str(folder), "--recipe", recipe]
    for setting in settings:
        command += ["--set", setting]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("ab") as log:
        subprocess.run(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )


def train_once(folder: Path, recipe: str, settings: list[str]) -> None:
    """Train, or go on; then translate dev with the export, and write down what it is worth."""
    from nmt.config import find_recipe, load_recipe
    from nmt.runs.directory import RunDirectory
    from nmt.training.progress import LineReporter
    from nmt.training.trainer import train

    config = load_recipe(find_recipe(recipe), settings)
    run = RunDirectory(folder)
    if run.is_started:
        go_on(run, config)
    else:
        run = create_run(folder, config)
    result = train(config, run, resume=True, reporter=LineReporter(), clock=time.process_time)
    found = {"step": result.step, "steps": result.steps, "cpu_s": result.elapsed_s}
    found |= speed_and_size(run) | dev_score(run)
    (folder / RESULT).write_text(json.dumps(found), encoding="utf-8")


def speed_and_size(run: Any) -> dict[str, float]:
    """Target tokens a CPU second, the median; and parameters."""
    from safetensors import safe_open

    lines = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    speeds = [line["tokens_per_s"] for line in lines if line["kind"] == "progress"]
    with safe_open(run.model_file, "np") as weights:
        parameters = sum(weights.get_tensor(name).size for name in weights.keys())  # noqa: SIM118
    return {"tokens_per_s": statistics.median(speeds), "parameters": parameters}


def dev_score(run: Any) -> dict[str, Any]:
    """BLEU on dev of the exported model, and its translations."""
    from nmt.data.bitext import read_split
    from nmt.evaluation.metrics import bleu
    from nmt.translator.translator import Translator

    config = run.config()
    dev = read_split(config.corpus, config.corpus.dev)
    texts = [each.text for each in Translator.load(run).translate(dev["source"][:])]
    return {"bleu": bleu(texts, dev["target"][:], config.corpus.target), "texts": texts}


def results(plan: Plan, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the finished trainings of each row came to, rows without any left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in plan.rows:
        files = [run_folder(folder, name, seed) / RESULT for seed in plan.seeds]
        finished = [json.loads(file.read_text()) for file in files if file.is_file()]
        if finished:
            found[name] = finished
    return found


def table(plan: Plan, found: dict[str, list[dict[str, Any]]]) -> str:
    """The results as a Markdown table."""
    lines = ["| | seeds | BLEU on dev | difference | tokens a CPU second | parameters |"]
    lines.append("|---|---|---|---|---|---|")
    first = next(iter(found.values()), [])
    for name, runs in found.items():
        scores = [run["bleu"] for run in runs]
        spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
        mean = statistics.mean(scores)
        difference = mean - statistics.mean(run["bleu"] for run in first)
        speed = statistics.mean(run["tokens_per_s"] for run in runs)
        size = runs[0]["parameters"] / 1e6
        told = "" if runs is first else f"{difference:+.2f}"
        lines.append(
            f"| {name} | {len(runs)} | {mean:.2f}{spread} | {told} | {speed:,.0f} | {size:.1f} M |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
