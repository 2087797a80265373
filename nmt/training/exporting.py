"""From a trained run to its export, which translates without torch."""

from nmt.config import RunConfig
from nmt.corpus.alterations import Alterations
from nmt.corpus.encoded import EncodedPairs, Variation
from nmt.corpus.lexical import rows_to_learn_from
from nmt.corpus.tokenizer import Tokenizer
from nmt.decoding.export import export
from nmt.decoding.exported import exported_files
from nmt.decoding.graph_layers import Weights
from nmt.decoding.lexicon import Lexicon, learn_lexicon
from nmt.files import replace_folder
from nmt.model.seq2seq import build
from nmt.model.weights import load_weights, named_weights
from nmt.run import RunDirectory
from nmt.training.preparation import Tokenizers


def lexicon_of(pairs: EncodedPairs, tokenizers: Tokenizers, config: RunConfig) -> Lexicon:
    """The shortlists that training pairs give, every other one altered if some were in training."""
    rows = rows_to_learn_from(pairs.source_lengths, pairs.target_lengths)
    altered = Alterations(noise=0.5 if config.training.noise else 0.0)
    taken = pairs.take(rows, Variation(alterations=altered))
    source, target = (tokenizer.vocabulary_size for tokenizer in tokenizers)
    return learn_lexicon(*taken, (source, target), config.tokenizer.joint)


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
    model = build(config.model, *vocabulary_sizes)
    load_weights(model, run.model_file)
    return {name: tensor.numpy() for name, tensor in named_weights(model).items()}
