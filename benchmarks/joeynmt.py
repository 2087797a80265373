"""JoeyNMT on the same text, to compare the speed of training with: installs it, and trains.

    python benchmarks/joeynmt.py install
    python benchmarks/joeynmt.py speed --corpus DIR --subwords FILE [--steps 20]

It is kept in one folder (--folder, by default checkpoints/joeynmt) with a virtual environment of
its own, about 1.1 GB. `train_peers.py` runs it in turns with nmt and OpenNMT-py.

The shape is the reference shape of train_speed.py, as JoeyNMT has it: a 2-layer bidirectional LSTM
encoder and a 2-layer LSTM decoder of 512, shared embeddings of 256, Luong's general attention with
input feeding, an output layer of its own, the subwords of a run of nmt; batches of 64 sentences,
Adam at 1e-3. A layer more, from the encoder's last state, starts the decoder.

JoeyNMT 2.3.0, its last version, does not install or run as it is. What is done about that is in
`REQUIREMENTS` and `REPAIRS`.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import peers

JOEYNMT = "joeynmt==2.3.0"
# What it imports when it trains. It asks for protobuf < 3.21, which has no wheel for newer Pythons
# and which tensorboard does not take any more, and for linters and pandas, which it never touches;
# importlib-metadata it imports and does not ask for.
REQUIREMENTS = [
    "importlib-metadata",
    "matplotlib",
    "numpy",
    "packaging",
    "pyyaml",
    "sacrebleu>=2.5",
    "sentencepiece",
    "subword-nmt",
    "tensorboard",
    "tqdm",
]
# In its files: what is there, and what it becomes.
REPAIRS = {
    # Newer versions of sentencepiece cannot restrict a model to a vocabulary. It has all of the
    # model's subwords here, so that nothing is lost.
    "tokenizers.py": ("self.spm.SetVocabulary(vocab._itos)", "pass"),
    # Newer versions of torch have no such option.
    "builders.py": ('"verbose": False,', ""),
}
SPEED = r"Tokens per Sec:\s*(\d+)"
SENTENCES_PER_BATCH = 64


def main() -> None:
    arguments = parse_arguments()
    arguments.folder = arguments.folder.resolve()
    arguments.run(arguments)


def install(arguments: argparse.Namespace) -> None:
    """Make the virtual environment; nothing to do if it works."""
    folder = arguments.folder
    if not peers.can_import(folder, "joeynmt.training"):
        peers.make_environment(folder, JOEYNMT, REQUIREMENTS)
    for name, (old, new) in REPAIRS.items():
        file = peers.packages_of(folder) / "joeynmt" / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def speed(arguments: argparse.Namespace) -> None:
    """Print target tokens a second of training."""
    install(arguments)
    python = peers.python_of(arguments.folder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / peers.SUBWORDS).write_bytes(arguments.subwords.read_bytes())
        peers.write_vocabulary(python, folder)
        config = folder / "config.yaml"
        config.write_text(json.dumps(recipe(folder, arguments), indent=1))  # JSON is YAML
        command = [str(python), "-m", "joeynmt", "train", str(config), "--skip-test"]
        peers.print_speed(command, os.environ, SPEED)


def recipe(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The configuration for the reference shape."""
    side = {
        "level": "bpe",
        "voc_file": str(folder / peers.VOCABULARY),
        "tokenizer_type": "sentencepiece",
        "tokenizer_cfg": {"model_file": str(folder / peers.SUBWORDS)},
    }
    # The encoder's is the size of a direction.
    layers = {"type": "recurrent", "rnn_type": "lstm", "num_layers": 2, "dropout": 0.3}
    embeddings = {"embedding_dim": 256, "dropout": 0.0}
    corpus = arguments.corpus.resolve()
    return {
        "name": "reference",
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "random_seed": 1,
        "data": {
            "train": str(corpus / "train"),
            "dev": str(corpus / arguments.dev),
            "src": {"lang": arguments.source, **side},
            "trg": {"lang": arguments.target, **side},
        },
        "model": {
            "tied_embeddings": True,
            "tied_softmax": False,
            "encoder": {**layers, "hidden_size": 256, "embeddings": embeddings},
            "decoder": {
                **layers,
                "hidden_size": 512,
                "embeddings": embeddings,
                "attention": "luong",
                "input_feeding": True,
                "hidden_dropout": 0.3,
            },
        },
        "training": {
            "batch_type": "sentence",
            "batch_size": SENTENCES_PER_BATCH,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "scheduling": "plateau",  # it insists on one; this waits for validations
            "label_smoothing": 0.1,
            "normalization": "tokens",
            "clip_grad_norm": 5.0,  # as OpenNMT-py does unasked
            "updates": peers.WARM_UP_STEPS + arguments.steps,
            "logging_freq": peers.STEPS_IN_A_GROUP,
            "validation_freq": 10**9,
        },
        "testing": {},
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("checkpoints/joeynmt"))
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("install", help=install.__doc__)
    command.set_defaults(run=install)
    command = commands.add_parser("speed", help=speed.__doc__)
    command.set_defaults(run=speed)
    peers.add_speed_options(command)
    return parser.parse_args()


if __name__ == "__main__":
    main()
