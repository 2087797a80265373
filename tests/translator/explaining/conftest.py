"""Small models of random weights that translate text, in torch and exported."""

from pathlib import Path

import numpy as np
import pytest
import torch

from nmt.config import RunConfig, override
from nmt.export.run import export_run
from nmt.files import write_atomically
from nmt.model.seq2seq import build
from nmt.model.weights import named_weights, weights_bytes
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.text.tokenizer import EOS, train_tokenizer
from nmt.translator.translator import Translator

WORDS = "le la chat chien mange dort bien grand petit rouge dans sur maison rue avec sans il elle"


def make_run(folder: Path, attention: str) -> RunDirectory:
    """A run with the weights of a model that was never trained."""
    settings = [
        "tokenizer.vocabulary_size=320",
        "model.hidden_size=32",
        "model.embedding_size=16",
        "model.initial_range=1.0",
        f"model.attention={attention}",
        "search.beam=3",
        "search.max_length_factor=1.0",
        "search.robust=false",  # random weights go wrong, and what they say would be copied over
    ]
    config = override(RunConfig(), settings)
    run = create_run(folder, config)
    random = np.random.default_rng(4)
    texts = [" ".join(random.choice(WORDS.split(), 7)) + "." for _ in range(200)]
    train_tokenizer(texts, config.tokenizer, run.joint_model)
    model = build(config.model, 320, 320, seed=6)
    with torch.no_grad():  # whole words rather than single bytes, and an end now and then
        model.vocabulary.bias[4:260] -= 20.0
        model.vocabulary.bias[EOS] += 2.0
    write_atomically(run.model_file, weights_bytes(named_weights(model)))
    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A model with attention."""
    return make_run(tmp_path_factory.mktemp("runs") / "looks", "general")


@pytest.fixture(scope="session")
def translator(run: RunDirectory) -> Translator:
    """In torch."""
    return Translator.load(run)


@pytest.fixture(scope="session")
def exported(run: RunDirectory, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    """The same in ONNX Runtime, in single precision."""
    copy = run.copy_to(tmp_path_factory.mktemp("runs") / "exported")
    export_run(run, copy, override(run.config(), ["export.precision=fp32"]), None)
    return Translator.load(copy)


@pytest.fixture(scope="session")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    """A model without attention."""
    return Translator.load(make_run(tmp_path_factory.mktemp("runs") / "blind", "none"))
