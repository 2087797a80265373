"""From a trained run to its export, which translates without torch."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nmt.config import RunConfig
from nmt.data.augmentation import Alterations
from nmt.data.batches import make_batch
from nmt.data.encoded import EncodedPairs, Variation
from nmt.data.ibm1 import rows_to_learn_from
from nmt.export.cells import Weights
from nmt.export.folder import exported_files
from nmt.export.graphs import export
from nmt.export.normaliser import NO_REMAINDER, learn_remainder
from nmt.export.shortlist import Lexicon, learn_lexicon
from nmt.files import replace_folder
from nmt.model.seq2seq import Seq2Seq
from nmt.model.weights import load_model, named_weights
from nmt.runs.directory import RunDirectory
from nmt.search.stepper import NEVER_PRODUCED, Floats
from nmt.text.tokenizer import PAD, Tokenizer, Tokenizers

STEPS_FOR_REMAINDER = 16_384
"""Target tokens that the probability of what is out of reach is learned from."""
STEPS_AT_ONCE = 1024


def lexicon_of(
    run: RunDirectory, pairs: EncodedPairs, tokenizers: Tokenizers, config: RunConfig
) -> Lexicon:
    """The shortlists that training pairs give, every other one altered if some were in training.

    Args:
        run: The run, with weights.
        pairs: What it was trained on.
        tokenizers: The run's.
        config: The run's.

    Raises:
        RunError: See `export_files`.
    """
    rows = rows_to_learn_from(pairs.source_lengths, pairs.target_lengths)
    altered = Alterations(noise=0.5 if config.training.noise else 0.0)
    taken = pairs.take(rows, Variation(alterations=altered))
    sizes = tokenizers.source.vocabulary_size, tokenizers.target.vocabulary_size
    lexicon = learn_lexicon(*taken, sizes, config.tokenizer.joint)
    model = _model(run, config, sizes)
    return replace(lexicon, remainder=_remainder(model, pairs, lexicon))


@torch.inference_mode()
def _remainder(model: Seq2Seq, pairs: EncodedPairs, lexicon: Lexicon) -> Floats:
    """How likely what is out of reach is while the model reads training targets."""
    vocabulary = model.vocabulary
    found = []
    for rows in _some(pairs):
        batch = make_batch(*pairs.take(rows))
        source, lengths, target_in, target_out = map(torch.from_numpy, batch)
        is_real = target_out != PAD
        outputs = model(source, lengths, target_in)[0][is_real]
        logits = vocabulary(outputs)
        tokens, allowed = lexicon.of(batch.source, batch.source_lengths)
        is_outside = torch.ones(len(source), logits.shape[1], dtype=torch.bool)
        is_outside[:, tokens] = torch.from_numpy(allowed[:, 0] < 0.0)
        sentence = torch.arange(len(source))[:, None].expand_as(target_out)[is_real]
        is_outside = is_outside[sentence]
        inside = logits.masked_fill(is_outside, -torch.inf).logsumexp(dim=1)
        is_outside[:, NEVER_PRODUCED] = False
        outside = logits.masked_fill(~is_outside, -torch.inf).logsumexp(dim=1)
        found.append([values.numpy() for values in (outputs, inside, outside)])
    if not found:
        return NO_REMAINDER
    return learn_remainder(*map(np.concatenate, zip(*found, strict=True)))


def _some(pairs: EncodedPairs) -> Iterator[NDArray[Any]]:
    """Rows at equal distances, of about `STEPS_FOR_REMAINDER` target tokens, in batches."""
    every = max(1, int(pairs.target_lengths.sum()) // STEPS_FOR_REMAINDER)
    rows = np.arange(0, len(pairs), every)
    lengths = pairs.target_lengths[rows], pairs.source_lengths[rows]
    rows = rows[np.lexsort(lengths)]
    ends = np.cumsum(pairs.target_lengths[rows]) // STEPS_AT_ONCE
    yield from np.split(rows, np.flatnonzero(np.diff(ends)) + 1) if len(rows) else ()


def export_run(
    run: RunDirectory, into: RunDirectory, config: RunConfig, lexicon: Lexicon | None
) -> None:
    """Write the export of a run, whole or not at all.

    Args:
        run: See `export_files`.
        into: Where the export goes: the run itself, or a copy of what else translating needs.
        config: See `export_files`.
        lexicon: See `export_files`.

    Raises:
        RunError: See `export_files`.
        TokenizerError: See `export_files`.
    """
    replace_folder(into.export, export_files(run, config, lexicon))


def export_files(run: RunDirectory, config: RunConfig, lexicon: Lexicon | None) -> dict[str, bytes]:
    """The files of the export of a run.

    Args:
        run: The run, with weights.
        config: The run's; its ``export.precision`` counts.
        lexicon: Shortlists, if there are any.

    Raises:
        RunError: The weights are missing, damaged, or not those that the config asks for.
        TokenizerError: A tokenizer is damaged.
    """
    source, target = map(Tokenizer.load, run.tokenizer_files(config.tokenizer.joint))
    weights = _weights(run, config, (source.vocabulary_size, target.vocabulary_size))
    precision = config.export.precision
    exported = export(config.model, weights, precision)
    return exported_files(exported, precision, lexicon, (source.digest, target.digest))


def _weights(run: RunDirectory, config: RunConfig, vocabulary_sizes: tuple[int, int]) -> Weights:
    """The weights of a run, found to be what its config and its tokenizers ask for."""
    model = _model(run, config, vocabulary_sizes)
    return {name: tensor.numpy() for name, tensor in named_weights(model).items()}


def _model(run: RunDirectory, config: RunConfig, vocabulary_sizes: tuple[int, int]) -> Seq2Seq:
    return load_model(config.model, *vocabulary_sizes, run.model_file).eval()
