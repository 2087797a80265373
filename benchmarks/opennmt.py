"""OpenNMT-py on the same text, to compare with: installs it, trains it, translates with it.

    python benchmarks/opennmt.py install
    python benchmarks/opennmt.py train --corpus DIR --model RUN
    python benchmarks/opennmt.py translate --source FILE --output FILE --beam 5 --batch 64
    python benchmarks/opennmt.py cold
    python benchmarks/opennmt.py speed --corpus DIR --subwords FILE [--steps 20]

Everything is kept in one folder (--folder, by default checkpoints/opennmt) with a virtual
environment of its own, about 1.1 GB. `train` can be stopped and started again: it goes on from
the last checkpoint. It takes about 20 minutes; with --start-from-its-weights --steps 300 a few,
for a model that is as good to measure with. `speed` trains a few steps elsewhere, to tell how fast;
`train_peers.py` runs it in turns with nmt and JoeyNMT.

The shape is the reference shape of train_speed.py, as OpenNMT-py has it: a 2-layer bidirectional
LSTM encoder and a 2-layer LSTM decoder of 512, shared embeddings of 256, general attention with
input feeding, the subwords of a run of nmt; batches of 64 sentences, Adam at 1e-3.

OpenNMT-py 3.5.1, its last version, does not install or run as it is. What is done about that is
in `install`, `STUBS` and `environment`.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measuring
import peers

OPENNMT = "OpenNMT-py==3.5.1"
# What it imports when it trains or translates on a CPU, and safetensors for opennmt_weights.py.
# Left out of what it asks for: ctranslate2, flask, waitress and tensorboard, which those never
# touch, and what STUBS stands in for; and torch < 2.3, which is not made for the newer Pythons: it
# works with newer ones.
REQUIREMENTS = [
    "configargparse",
    "numpy",
    "pyahocorasick",
    "pyonmttok>=1.37,<2",
    "pyyaml",
    "rapidfuzz",
    "regex",
    "sacrebleu>=2.5",
    "safetensors",
    "sentencepiece",
    "six",
]
# It imports every text transform at start, and these two modules for a filter and a glossary that
# are not used here. One is 100 MB, the other is a build in C++.
STUBS = ["spacy", "fasttext"]

EPOCHS = 4
STEPS_PER_CHECKPOINT = 100
SENTENCES_PER_BATCH = 64
SPEED = r"/\s*(\d+) tok/s"


def main() -> None:
    arguments = parse_arguments()
    arguments.folder = arguments.folder.resolve()
    arguments.run(arguments)


def install(arguments: argparse.Namespace) -> None:
    """Make the virtual environment; nothing to do if it works."""
    folder = arguments.folder
    modules = "onmt.bin.train, onmt.bin.translate"
    if peers.can_import(folder, modules):
        return
    peers.make_environment(folder, OPENNMT, REQUIREMENTS)
    for name in STUBS:
        stub = peers.packages_of(folder) / f"{name}.py"
        stub.write_text('"""Stands in for a package that OpenNMT-py imports and does not use."""\n')
    if not peers.can_import(folder, modules):
        raise SystemExit(f"{OPENNMT} does not work in {folder / 'venv'}: remove it and try again")


def train(arguments: argparse.Namespace) -> None:
    """Train, or go on training, until there is a checkpoint of the last step."""
    install(arguments)
    folder = arguments.folder
    subwords = folder / peers.SUBWORDS
    if not subwords.exists():
        subwords.write_bytes((arguments.model / "joint.model").read_bytes())
    settings = prepared(folder, peers.python_of(folder), arguments)
    trained = step_of(checkpoints(folder)[-1]) if checkpoints(folder) else 0
    if arguments.start_from_its_weights and trained <= 1:
        train_until(1, folder, settings)  # so that there is a checkpoint
        script = Path(__file__).with_name("opennmt_weights.py")
        command = [peers.python_of(folder), script, checkpoints(folder)[-1], arguments.model]
        subprocess.run(command, check=True)
    steps_per_epoch = -(-settings["bucket_size"] // SENTENCES_PER_BATCH)
    train_until(arguments.steps or arguments.epochs * steps_per_epoch, folder, settings)


def train_until(step: int, folder: Path, settings: dict[str, Any]) -> None:
    """Run onmt_train from where it is to a step."""
    done = checkpoints(folder)
    if done and step_of(done[-1]) >= step:
        return
    settings = {**settings, "train_steps": step, "train_from": str(done[-1]) if done else ""}
    command = train_command(peers.python_of(folder), folder, settings)
    subprocess.run(command, check=True, env=environment())


def speed(arguments: argparse.Namespace) -> None:
    """Print target tokens a second of training."""
    install(arguments)
    python = peers.python_of(arguments.folder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / peers.SUBWORDS).write_bytes(arguments.subwords.read_bytes())
        steps = peers.WARM_UP_STEPS + arguments.steps
        settings = prepared(folder, python, arguments)
        settings |= {"train_steps": steps, "report_every": peers.STEPS_IN_A_GROUP}
        peers.print_speed(train_command(python, folder, settings), environment(), SPEED)


def train_command(python: Path, folder: Path, settings: dict[str, Any]) -> list[str]:
    """The command that trains with some settings, which are written into a folder."""
    config = folder / "train.yaml"
    config.write_text(json.dumps(settings, indent=1))  # JSON is YAML
    return [str(python), "-m", "onmt.bin.train", "-config", str(config)]


def prepared(folder: Path, python: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of onmt_train, after its vocabulary is written beside the subwords."""
    peers.write_vocabulary(python, folder)
    side = {"src": arguments.source, "tgt": arguments.target}
    corpus = {f"path_{k}": str(arguments.corpus.resolve() / f"train.{side[k]}") for k in side}
    sentences = Path(corpus["path_src"]).read_bytes().count(b"\n")
    return recipe(folder, corpus, sentences)


def recipe(folder: Path, corpus: dict[str, str], sentences: int) -> dict[str, Any]:
    """The options of onmt_train for the reference shape."""
    return {
        "data": {"corpus": {**corpus, "transforms": ["sentencepiece"]}},
        "src_subword_model": str(folder / peers.SUBWORDS),
        "tgt_subword_model": str(folder / peers.SUBWORDS),
        "src_vocab": str(folder / peers.VOCABULARY),
        "tgt_vocab": str(folder / peers.VOCABULARY),
        "save_model": str(folder / "model"),
        "share_vocab": True,
        "share_embeddings": True,
        "word_vec_size": 256,
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "LSTM",
        "layers": 2,
        "hidden_size": 512,
        "global_attention": "general",
        "input_feed": 1,
        "dropout": [0.3],
        "label_smoothing": 0.1,
        "optim": "adam",
        "learning_rate": 0.001,
        "start_decay_steps": 10**9,
        "batch_type": "sents",
        "batch_size": SENTENCES_PER_BATCH,
        "bucket_size": sentences,  # so that an epoch is an epoch
        "num_workers": 0,
        "valid_steps": 10**9,
        "save_checkpoint_steps": STEPS_PER_CHECKPOINT,
        "report_every": 50,
        "seed": 1,
    }


def translate(arguments: argparse.Namespace) -> None:
    """Print what translating a file took, as JSON."""
    if not in_environment(arguments.folder):
        own = [str(peers.python_of(arguments.folder)), *sys.argv]
        raise SystemExit(subprocess.run(own, env=environment()).returncode)
    source = arguments.source
    if arguments.singly:
        found = measuring.translate_lines(source, lambda: load(arguments), arguments.singly)
    else:
        found = measuring.translate_file(source, lambda: load(arguments), arguments.output)
    print(json.dumps(found))


def load(arguments: argparse.Namespace) -> measuring.Translate:
    """As the command onmt_translate loads a model."""
    from onmt.bin.translate import _get_parser
    from onmt.inference_engine import InferenceEnginePY
    from onmt.utils.misc import set_random_seed
    from onmt.utils.parse import ArgumentParser

    model = arguments.checkpoint or last_checkpoint(arguments.folder)
    options = [*translating_options(model), "-beam_size", str(arguments.beam)]
    options += ["-batch_size", str(arguments.batch), "-src", os.devnull, "-output", os.devnull]
    opt = _get_parser().parse_args(options)
    ArgumentParser.validate_translate_opts(opt)
    ArgumentParser._get_all_transform_translate(opt)
    ArgumentParser._validate_transforms_opts(opt)
    ArgumentParser.validate_translate_opts_dynamic(opt)
    set_random_seed(opt.seed, False)
    engine = InferenceEnginePY(opt)
    lengths: list[int] = []
    translate_batch = engine.translator.translate_batch

    def counted(*batch: Any, **options: Any) -> Any:
        found = translate_batch(*batch, **options)
        # with the end of sentence, where the model came to it
        lengths.extend(len(ranked[0]) for ranked in found["predictions"])
        return found

    def translate(lines: list[str]) -> tuple[list[str], int]:
        lengths.clear()
        _, ranked = engine.infer_list(lines)
        return [best for best, *_ in ranked], sum(lengths)

    engine.translator.translate_batch = counted
    return translate


def cold(arguments: argparse.Namespace) -> None:
    """Print the time and memory of one sentence, from the start of the process to its exit."""
    with tempfile.TemporaryDirectory() as scratch:
        command = cold_command(arguments.folder, arguments.sentence, Path(scratch))
        times = [measuring.run(command, environment()) for _ in range(arguments.times)]
    seconds, peaks = zip(*times, strict=True)
    print(json.dumps({"seconds": statistics.median(seconds), "peak_mb": max(peaks)}))


def cold_command(folder: Path, sentence: str, scratch: Path) -> list[str]:
    """The command that translates one sentence."""
    (scratch / "source.txt").write_text(f"{sentence}\n", encoding="utf-8")
    return [
        *[str(peers.python_of(folder)), "-m", "onmt.bin.translate"],
        *translating_options(last_checkpoint(folder)),
        *["-src", str(scratch / "source.txt"), "-output", str(scratch / "translated.txt")],
        *["-beam_size", "5", "-log_file", str(scratch / "log.txt"), "-log_file_level", "ERROR"],
    ]


def translating_options(checkpoint: Path) -> list[str]:
    subwords = str(checkpoint.with_name(peers.SUBWORDS))
    return [
        *["-model", str(checkpoint), "-transforms", "sentencepiece"],
        *["-src_subword_model", subwords, "-tgt_subword_model", subwords],
    ]


def environment() -> dict[str, str]:
    """What processes of OpenNMT-py run with."""
    # Its checkpoints are pickles of more than tensors, which newer versions of torch refuse.
    return {**os.environ, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "PYTHONWARNINGS": "ignore"}


def checkpoints(folder: Path) -> list[Path]:
    """Those there are, the last one last."""
    return sorted(folder.glob("model_step_*.pt"), key=step_of)


def last_checkpoint(folder: Path) -> Path:
    done = checkpoints(folder)
    if not done:
        raise SystemExit(f"{folder} holds no model: train one with opennmt.py train")
    return done[-1]


def step_of(checkpoint: Path) -> int:
    found = re.search(r"_step_(\d+)$", checkpoint.stem)
    return int(found[1]) if found else 0


def in_environment(folder: Path) -> bool:
    return Path(sys.prefix).resolve() == (folder / "venv").resolve()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("checkpoints/opennmt"))
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("install", help=install.__doc__)
    command.set_defaults(run=install)
    command = commands.add_parser("train", help=train.__doc__)
    command.set_defaults(run=train)
    command.add_argument("--corpus", type=Path, required=True, help="folder of train.fr, train.en")
    command.add_argument("--model", type=Path, required=True, help="run of nmt: for its subwords")
    command.add_argument("--start-from-its-weights", action="store_true")
    command.add_argument("--source", default="fr")
    command.add_argument("--target", default="en")
    command.add_argument("--epochs", type=int, default=EPOCHS)
    command.add_argument("--steps", type=int, help="instead of whole epochs")
    command = commands.add_parser("translate", help=translate.__doc__)
    command.set_defaults(run=translate)
    command.add_argument("--source", type=Path, required=True)
    command.add_argument("--output", type=Path, help="where to write the translations")
    command.add_argument("--checkpoint", type=Path, help="by default the last one in the folder")
    command.add_argument("--beam", type=int, default=5)
    command.add_argument("--batch", type=int, default=64, help="sentences")
    command.add_argument("--singly", type=int, default=0, metavar="N", help="see decode_once.py")
    command = commands.add_parser("cold", help=cold.__doc__)
    command.set_defaults(run=cold)
    command.add_argument("--sentence", default="Je suis étudiant")
    command.add_argument("--times", type=int, default=5)
    command = commands.add_parser("speed", help=speed.__doc__)
    command.set_defaults(run=speed)
    peers.add_speed_options(command)
    return parser.parse_args()


if __name__ == "__main__":
    main()
