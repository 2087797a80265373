"""Training speed and memory at the reference shape, on real text.

    python benchmarks/train_speed.py --corpus DIR [--steps 150] [--set model.cell=gru] ...

DIR holds train.fr, train.en, val.fr and val.en (--source, --target and --dev name others). Prints
target tokens a second (end-of-sentence tokens count, padding does not), as the median over groups
of 10 steps after a warm-up, and the peak memory of the process. Nothing else should run meanwhile.
Under torchrun it measures all its processes together; the memory is that of the first.

The reference shape: joint 8k subwords, shared embeddings of 256, a 2-layer bidirectional LSTM
encoder of 512 (256 a direction), a 2-layer LSTM decoder of 512, one attention, an output layer of
its own from 512; batches of 1,024 target tokens.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

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


def main() -> None:
    arguments = parse_arguments()
    from nmt.config import RunConfig, find_recipe, load_recipe, override
    from nmt.run import RunDirectory
    from nmt.training.learner import Learner
    from nmt.training.preparation import prepare
    from nmt.training.progress import LineReporter, Reporter
    from nmt.training.trainer import Training, set_up_machine
    from nmt.workers import joined

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
        run = RunDirectory.create(Path(folder) / "run", config)
        reporter = LineReporter() if workers.is_first else Reporter()
        material = workers.in_turn(lambda: prepare(config, run, reporter))
        source, target = (tokenizer.vocabulary_size for tokenizer in material.tokenizers)
        learner = Learner(config, source, target, workers)
        training = Training(config, run, learner, material, reporter)
        if workers.is_first:
            print(training.description(), flush=True)
        rates = measure(training, arguments.steps)
    if not workers.is_first:
        return
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (2**20 if sys.platform == "darwin" else 2**10)
    print(
        f"{statistics.median(rates):,.0f} target tokens/s (median; {min(rates):,.0f} to "
        f"{max(rates):,.0f} over groups of {STEPS_IN_A_GROUP} steps), peak memory {peak_mb:,.0f} MB"
    )


def measure(training: "Training", steps: int) -> list[float]:  # noqa: F821
    """Target tokens a second of each group of steps."""
    rates: list[float] = []
    while True:
        started, before = time.perf_counter(), training.state.target_tokens
        for batches in training.steps_left_in_epoch():
            training.step(batches)
            done = training.state.step
            if done % STEPS_IN_A_GROUP == 0:
                now, tokens = time.perf_counter(), training.state.target_tokens
                if done > WARM_UP_STEPS:
                    rates.append((tokens - before) / (now - started))
                started, before = now, tokens
            if done >= WARM_UP_STEPS + steps:
                return rates
        training.state.epoch += 1
        training.state.batch_in_epoch = 0


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
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
