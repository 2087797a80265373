"""Small models of random weights, in torch and exported."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nmt.config import ModelConfig
from nmt.export.graphs import Export, export
from nmt.export.onnx_stepper import OnnxStepper
from nmt.export.shortlist import Everything, Lexicon
from nmt.model.seq2seq import Seq2Seq, build
from nmt.model.weights import named_weights
from tests.model.norms import draw_norms

PAD, BOS, EOS, UNK = 0, 1, 2, 3
VOCABULARY = 60
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "embedding_size": 32,
    "attention_heads": 4,
    "initial_range": 0.3,
}


def random_model(config: ModelConfig, seed: int = 3) -> Seq2Seq:
    """A model with weights drawn by the seed, in evaluation mode."""
    sources = VOCABULARY if config.shared_embeddings else VOCABULARY - 7
    model = draw_norms(build(config, sources, VOCABULARY, seed=seed).eval())
    if not config.shared_embeddings:  # so that neither table has the range of the other
        model.target_embedding.weight.data *= 2.0
    return model


def weights_of(model: Seq2Seq) -> Mapping[str, np.ndarray]:
    """The content of its ``model.safetensors``."""
    return {name: tensor.numpy() for name, tensor in named_weights(model).items()}


def exported(model: Seq2Seq, precision: str) -> Export:
    return export(model.config, weights_of(model), precision)


def onnx_stepper(
    model: Seq2Seq, precision: str = "fp32", lexicon: Lexicon | None = None
) -> OnnxStepper:
    """The same model in ONNX Runtime."""
    made = exported(model, precision)
    embeddings = (made.source_embeddings, made.target_embeddings)
    everything = Everything(made.target_vocabulary)
    return OnnxStepper(made.encoder, made.step, embeddings, everything, lexicon)


def random_sources(lengths: Sequence[int], seed: int = 1) -> list[list[int]]:
    """Token ids of one sentence for each length, without EOS."""
    random = np.random.default_rng(seed)
    return [random.integers(4, VOCABULARY - 7, length).tolist() for length in lengths]
