"""Preparing and training on a corpus of ten million pairs: time and memory.

    python benchmarks/large_corpus.py --corpus DIR --work FOLDER [--pairs 10000000] ...

DIR holds train.fr, train.en, dev.fr and dev.en. They are repeated into FOLDER, each time with other
words in place of some, until there are that many pairs; the cache is in FOLDER, too (3 GB in all,
of which nothing is deleted). Each line comes from a process of its own, whose memory is the largest
sum of what it and the processes that it started held at one time: all of it, and without the files
that are mapped into memory, which the system takes back when it needs them. Linux only.

- *preparing*: reading, checking, learning subwords, dividing into subwords. If FOLDER is used
  again, that is done already.
- *next start*: the same again, from the start of the process.
- *planning an epoch*: which pairs go into which batch.
- *tables*: what is learned of words: the shortlists of the export, and the table for fragments.
- *training*: steps on all the pairs and on a small part of them, in turns of ten; target tokens for
  each second of the processor, all threads together.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SMALL_PAIRS = 100_000
TURN_STEPS = 10
TURNS_BEFORE = 2
POLL_S = 0.05


def main() -> None:
    arguments = parse_arguments()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments)))
        return
    make(arguments)
    for part in PARTS:
        found, peak = measured(arguments, part)
        print(f"{found.pop('text')}; {memory(peak)}", flush=True)


def make(arguments: argparse.Namespace) -> None:
    """Write the large corpus and the small one, unless they are there."""
    for name, pairs in (("large", arguments.pairs), ("small", SMALL_PAIRS)):
        folder = arguments.work / name
        if (folder / "dev.en").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        sources, targets = (lines_of(arguments.corpus / f"train.{side}") for side in ("fr", "en"))
        with (folder / "train.fr").open("w") as fr, (folder / "train.en").open("w") as en:
            for source, target in altered(sources, targets, pairs):
                fr.write(source)
                en.write(target)
        for side in ("fr", "en"):
            lines = lines_of(arguments.corpus / f"dev.{side}")
            (folder / f"dev.{side}").write_text("".join(f"{line}\n" for line in lines))


def altered(sources: list[str], targets: list[str], pairs: int) -> Iterator[tuple[str, str]]:
    """Pairs over and over, a word of each side another one each time but the first."""
    draw = random.Random(1)
    words = [" ".join(side).split() for side in (sources, targets)]
    for number in range(pairs):
        texts = [side[number % len(sources)] for side in (sources, targets)]
        if number >= len(sources):
            for side, text in enumerate(texts):
                own = text.split() or [""]
                own[int(draw.random() * len(own))] = draw.choice(words[side])
                texts[side] = " ".join(own)
        yield texts[0] + "\n", texts[1] + "\n"


def lines_of(file: Path) -> list[str]:
    return file.read_text("utf-8").removesuffix("\n").split("\n")


def measured(arguments: argparse.Namespace, part: str) -> tuple[dict[str, Any], tuple[int, int]]:
    """What a part prints, and the most memory that it took, in bytes, all and without files."""
    command = [sys.executable, __file__, "--part", part, "--corpus", str(arguments.corpus)]
    command += ["--work", str(arguments.work), "--rounds", str(arguments.rounds)]
    command += [word for setting in arguments.set for word in ("--set", setting)]
    environment = {
        **os.environ,
        "HF_DATASETS_CACHE": str(arguments.work / "cache"),
        "STARTED": str(time.time()),
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        peak = (0, 0)
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(process.stdout or []))
        reader.start()
        while process.poll() is None:
            held = memory_of(process.pid)
            peak = (max(peak[0], held[0]), max(peak[1], held[1]))
            time.sleep(POLL_S)
        reader.join()
    if process.returncode:
        raise SystemExit(f"{part} failed")
    return json.loads(said[-1]), peak


def memory_of(pid: int) -> tuple[int, int]:
    """Bytes that a process and those it started hold in memory: all, and without mapped files."""
    held = [0, 0]
    waiting = [pid]
    while waiting:
        pid = waiting.pop()
        try:
            fields = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            )
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:  # it has just ended
            continue
        for place, name in enumerate(("VmRSS", "RssAnon")):
            held[place] += int(fields.get(name, "0 kB").split()[0]) * 1024
    return held[0], held[1]


def memory(peak: tuple[int, int]) -> str:
    return f"memory {peak[0] / 2**20:,.0f} MB, without mapped files {peak[1] / 2**20:,.0f} MB"


def prepared(arguments: argparse.Namespace, name: str) -> Any:
    """The configuration, the run and the material of the large or the small corpus."""
    from nmt.config import RunConfig, override
    from nmt.runs.directory import RunDirectory
    from nmt.training.preparation import prepare
    from nmt.training.progress import LineReporter

    place = [f"corpus.path={arguments.work / name}", "corpus.test="]
    config = override(RunConfig(), [*place, *arguments.set])
    run = RunDirectory(arguments.work / "run")  # one for both: the same subwords
    run.path.mkdir(exist_ok=True)
    return config, run, prepare(config, run, LineReporter())


def part_prepare(arguments: argparse.Namespace) -> dict[str, Any]:
    started = time.perf_counter()
    _, _, material = prepared(arguments, "large")
    elapsed_s = time.perf_counter() - started
    times = os.times()
    used_s = times.user + times.system + times.children_user + times.children_system
    pairs = f"{len(material.pairs):,} pairs"
    return {"text": f"preparing: {elapsed_s:,.0f} s, {used_s:,.0f} s of a processor, {pairs} kept"}


def part_start(arguments: argparse.Namespace) -> dict[str, Any]:
    prepared(arguments, "large")
    elapsed_s = time.time() - float(os.environ["STARTED"])
    return {"text": f"next start: {elapsed_s:.1f} s, {time.process_time():.1f} s of a processor"}


def part_plan(arguments: argparse.Namespace) -> dict[str, Any]:
    _, _, material = prepared(arguments, "large")
    started, before = time.process_time(), memory_of(os.getpid())[1]
    plan = material.plan(1024, 1, 0)
    used_s, kept = time.process_time() - started, memory_of(os.getpid())[1] - before
    return {
        "text": f"planning an epoch: {len(plan):,} batches in {used_s:.1f} s of a processor, "
        f"{kept / 2**20:,.0f} MB kept"
    }


def part_tables(arguments: argparse.Namespace) -> dict[str, Any]:
    from nmt.data.guided_alignment import Guide
    from nmt.data.ibm1 import rows_to_learn_from
    from nmt.data.phrases import WordTable
    from nmt.export.shortlist import learn_lexicon

    config, _, material = prepared(arguments, "large")
    pairs, (source, target) = material.pairs, material.tokenizers
    sizes = source.vocabulary_size, target.vocabulary_size
    started = time.process_time()
    WordTable.of(material.corpus.train, pairs.digest)
    Guide.of(pairs, sizes)
    rows = rows_to_learn_from(pairs.source_lengths, pairs.target_lengths)
    sources, targets = pairs.take(rows)
    learn_lexicon(sources, targets, sizes, config.tokenizer.joint)
    return {"text": f"tables: {time.process_time() - started:.1f} s of a processor"}


def part_train(arguments: argparse.Namespace) -> dict[str, Any]:
    from nmt.training.learner import Learner
    from nmt.training.loop import Training
    from nmt.training.preparation import guide_of
    from nmt.training.progress import Reporter
    from nmt.training.trainer import set_up_machine

    learning = {}
    for name in ("large", "small"):
        config, run, material = prepared(arguments, name)
        set_up_machine(config)
        learner = Learner(config, *(t.vocabulary_size for t in material.tokenizers))
        learner.guide = guide_of(config, material, Reporter())
        training = Training(config, run, learner, material, Reporter())
        learning[name] = training, training.steps_left_in_epoch()
    tokens, used_s = dict.fromkeys(learning, 0), dict.fromkeys(learning, 0.0)
    for turn in range(TURNS_BEFORE + arguments.rounds):
        for name, (training, steps) in learning.items():
            before, started = training.state.target_tokens, time.process_time()
            for _ in range(TURN_STEPS):
                training.step(next(steps))
            if turn >= TURNS_BEFORE:
                used_s[name] += time.process_time() - started
                tokens[name] += training.state.target_tokens - before
    speed = {name: tokens[name] / used_s[name] for name in learning}
    return {
        "text": f"training: {speed['large']:,.0f} target tokens for a second of a processor, "
        f"{speed['large'] / speed['small']:.3f} of the {speed['small']:,.0f} on "
        f"{SMALL_PAIRS:,} pairs"
    }


PARTS = {
    "prepare": part_prepare,
    "start": part_start,
    "plan": part_plan,
    "tables": part_tables,
    "train": part_train,
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=20, help="turns of ten steps")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
