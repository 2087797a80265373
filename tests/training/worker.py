"""What the processes that tests/training/test_several_processes.py starts with torchrun do."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from nmt.data.batches import make_batch
from nmt.training.distributed.torchrun import joined
from nmt.training.learner import Learner
from tests.training.test_learner import bits, guide, make

DRAW = np.random.default_rng(7)
STEPS = [
    [
        make_batch(
            [DRAW.integers(3, 9, length) for length in DRAW.integers(1, 6, sentences)],
            [DRAW.integers(3, 9, length) for length in np.sort(DRAW.integers(1, 6, sentences))],
        )
        for sentences in step
    ]
    # a batch of one sentence leaves nothing for the second process
    for step in ([5], [4, 3], [1], [7, 2, 6])
]


def learned(learner: Learner) -> dict[str, object]:
    """What some steps come to, from weights that were other ones in each process."""
    learner.guide = guide()
    steps = [learner.step(batches, 0.01, number, 0.5) for number, batches in enumerate(STEPS)]
    return {
        "losses": [step.loss for step in steps],
        "norms": [step.gradient_norm for step in steps],
        "tokens": [step.target_tokens for step in steps],
        "bits": {name: content.hex() for name, content in bits(learner).items()},
    }


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    with joined() as workers:
        learner = Learner(make().config, 9, 9, workers)
        halved = Learner(make(gradient_precision="bf16").config, 9, 9, workers)
        with torch.no_grad():
            for tensor in learner.tensors["weights"].values():
                tensor += workers.rank
        for tensors in learner.tensors.values():
            workers.take_from_first(tensors)
        found = learned(learner) | {
            "halved": learned(halved),
            "shares": [
                [share.source.tolist() for share in workers.shares(batches)] for batches in STEPS
            ],
            "agreed": [
                workers.agree(1.5 + workers.rank, False),
                workers.agree(2.5 + workers.rank, workers.rank == 1),
            ],
            "told": workers.first_does(lambda: {"é": [workers.rank, None, 0.1]}),
        }
        workers.in_turn(lambda: in_turn(folder, workers.rank))
        (folder / f"{workers.rank}.json").write_text(json.dumps(found))


def in_turn(folder: Path, rank: int) -> None:
    """The first takes its time: who does not wait for it would be before it in the file."""
    time.sleep(0.0 if rank else 0.3)
    with (folder / "turns").open("a") as file:
        file.write(f"{rank}\n")


if __name__ == "__main__":
    main()
