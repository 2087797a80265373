"""Training speed and memory at the reference shape, on real text.

    python benchmarks/train_speed.py --corpus DIR [--steps 150] [--set model.cell=gru] ...

DIR holds train.fr, train.en, val.fr and val.en (--source, --target and --dev name others). Prints
target tokens a second (end-of-sentence tokens count, padding does not), as the median over groups
of 10 steps after a warm-up, and the memory of the process, now and then and at its peak. Nothing
else should run meanwhile. Under torchrun it measures all its processes together; the memory is that
of the first.

With --costs it also prints what a step costs: the floating-point operations of its matrix products
(of whole batches with their padding, forwards and backwards), the rate of plain products of the
same shapes in this very process, the share of that rate that training reaches, and the time by
part. Those are of one process.

The reference shape: joint 8k subwords, shared embeddings of 256, a 2-layer bidirectional LSTM
encoder of 512 (256 a direction), a 2-layer LSTM decoder of 512, one attention, an output layer of
its own from 512; batches of 1,024 target tokens.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import peak_mb, resident_mb

from nmt.runs.starting import create_run

if TYPE_CHECKING:
    from nmt.data.batches import Batch
    from nmt.training.loop import Training

REFERENCE_SHAPE = [
    "tokenizer.vocabulary_size=8000",
    "tokenizer.joint=true",
    "model.cell=lstm",
    "model.encoder_layers=2",
    "model.decoder_layers=2",
    "model.bidirectional=true",
    "model.hidden_size=512",
    "model.embedding_size=256",
    "model.shared_embeddings=true",
    "model.attention=general",
    "model.attention_query=last",
    "model.tied_output=false",
    "model.dropout=0.3",
    "training.tokens_per_batch=1024",
]
WARM_UP_STEPS = 30
STEPS_IN_A_GROUP = 10
PROFILED_STEPS = 10


def main() -> None:
    arguments = parse_arguments()
    from nmt.config import RunConfig, find_recipe, load_recipe, override
    from nmt.training.distributed.torchrun import joined
    from nmt.training.learner import Learner
    from nmt.training.loop import Training
    from nmt.training.preparation import guide_of, prepare
    from nmt.training.progress import LineReporter, Reporter
    from nmt.training.trainer import description, set_up_machine

    settings = [
        *([] if arguments.recipe else REFERENCE_SHAPE),
        f"corpus.path={arguments.corpus.resolve()}",
        f"corpus.source={arguments.source}",
        f"corpus.target={arguments.target}",
        f"corpus.dev={arguments.dev}",
        "corpus.test=",
        *arguments.set,
    ]
    recipe = load_recipe(find_recipe(arguments.recipe)) if arguments.recipe else RunConfig()
    config = override(recipe, settings)
    set_up_machine(config)
    with tempfile.TemporaryDirectory() as folder, joined() as workers:
        run = create_run(Path(folder) / "run", config)
        reporter = LineReporter() if workers.is_first else Reporter()
        material = workers.in_turn(lambda: prepare(config, run, reporter))
        source, target = (tokenizer.vocabulary_size for tokenizer in material.tokenizers)
        learner = Learner(config, source, target, workers)
        learner.guide = workers.in_turn(lambda: guide_of(config, material, reporter))
        training = Training(config, run, learner, material, reporter)
        if workers.is_first:
            print(description(training), flush=True)
        measured = measure(training, arguments.steps, arguments.costs)
        if workers.is_first:
            print(measured.report(), flush=True)
            if arguments.costs:
                report_costs(training, measured)


@dataclass
class Measured:
    """What was seen of some steps.

    Attributes:
        rates: Target tokens a second of each group of steps.
        batches: What was learned from, if they were to be kept.
        memory_mb: By the number of steps done.
    """

    rates: list[float] = field(default_factory=list)
    batches: list["Batch"] = field(default_factory=list)
    memory_mb: dict[int, float] = field(default_factory=dict)

    @property
    def tokens_per_s(self) -> float:
        return statistics.median(self.rates)

    def report(self) -> str:
        memory = ", ".join(f"{size:,.0f} after {done:,}" for done, size in self.memory_mb.items())
        return (
            f"{self.tokens_per_s:,.0f} target tokens/s (median; {min(self.rates):,.0f} to "
            f"{max(self.rates):,.0f} over groups of {STEPS_IN_A_GROUP} steps), "
            f"peak memory {peak_mb():,.0f} MB\nmemory in MB: {memory} steps"
        )


def measure(training: "Training", steps: int, keeps_batches: bool = False) -> Measured:
    measured = Measured()
    last = WARM_UP_STEPS + steps
    looks = {WARM_UP_STEPS, *(WARM_UP_STEPS + steps * tenth // 10 for tenth in range(1, 11))}
    started, before = time.perf_counter(), training.state.target_tokens
    for batches in islice(endless(training), last):
        training.step(batches)
        done = training.state.step
        if done > WARM_UP_STEPS and keeps_batches:
            measured.batches += batches
        if done in looks:
            measured.memory_mb[done] = resident_mb()
        if done % STEPS_IN_A_GROUP == 0:
            now, tokens = time.perf_counter(), training.state.target_tokens
            if done > WARM_UP_STEPS:
                measured.rates.append((tokens - before) / (now - started))
            started, before = now, tokens
    return measured


def endless(training: "Training") -> Iterator[list["Batch"]]:
    """The batches of step after step, epoch after epoch."""
    while True:
        yield from training.steps_left_in_epoch()
        training.state.epoch += 1
        training.state.batch_in_epoch = 0


def report_costs(training: "Training", measured: Measured) -> None:
    """Print what a step costs, against what its matrix products alone would."""
    import torch
    import train_costs

    model, dtype = training.learner.model, training.learner.autocast_type or torch.float32
    counts = [train_costs.operations(model, batch) for batch in measured.batches]
    tokens = sum(int((batch.target_out != 0).sum()) for batch in measured.batches)
    of_a_token = sum(counts) / tokens
    typical = measured.batches[counts.index(statistics.median_low(counts))]
    layers = list(train_costs.layers(model, typical))
    rates = train_costs.plain_rates(layers, dtype)
    plain, reached = train_costs.plain_rate(layers, rates), of_a_token * measured.tokens_per_s
    print(f"\nplain products of a batch of {typical.target_in.shape} from {typical.source.shape}:")
    for (purpose, product), rate in rates.items():
        print(f"{product!s:>20} {rate / 1e9:7,.0f} billion operations/s, {purpose}")
    print(
        f"\n{of_a_token / 1e6:.1f} million operations a target token, the padding of batches "
        f"included\n{reached / 1e9:,.0f} of {plain / 1e9:,.0f} billion operations/s: "
        f"{reached / plain:.0%} of the rate of plain products, one after another"
    )

    def steps() -> None:
        for batches in islice(endless(training), PROFILED_STEPS):
            training.step(batches)

    shares = train_costs.shares_by_part(steps)
    step_ms = tokens / len(measured.batches) / measured.tokens_per_s * 1e3
    print(f"\n{step_ms:.0f} ms a batch, of which")
    for part, share in shares.items():
        print(f"{share:6.1%} {share * step_ms:6.0f} ms  {part}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, required=True, help="folder of NAME.fr and NAME.en")
    parser.add_argument("--source", default="fr")
    parser.add_argument("--target", default="en")
    parser.add_argument("--dev", default="val")
    parser.add_argument("--recipe", help="measure this one in the place of the reference shape")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--costs", action="store_true", help="print what a step costs, by part")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
