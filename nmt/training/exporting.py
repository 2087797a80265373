"""From a trained run to its export, which translates without torch."""

from safetensors.numpy import load_file

from nmt.config import RunConfig
from nmt.corpus.encoded import EncodedPairs
from nmt.corpus.tokenizer import Tokenizer
from nmt.decoding.export import export
from nmt.decoding.exported import exported_files
from nmt.decoding.lexicon import Lexicon, learn_lexicon, rows_to_learn_from
from nmt.run import RunDirectory, replace_folder


def lexicon_of(
    pairs: EncodedPairs, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, is_joint: bool
) -> Lexicon:
    """The shortlists that training pairs give."""
    rows = rows_to_learn_from(pairs.source_lengths, pairs.target_lengths)
    sizes = source_tokenizer.vocabulary_size, target_tokenizer.vocabulary_size
    return learn_lexicon(*pairs.take(rows), sizes, is_joint)


def export_run(
    run: RunDirectory, into: RunDirectory, config: RunConfig, lexicon: Lexicon | None
) -> None:
    """Write the export of a run, whole or not at all.

    Args:
        run: The run, with weights.
        into: Where the export goes: the run itself, or a copy of what else translating needs.
        config: The run's; its ``export.precision`` counts.
        lexicon: Shortlists, if there are any.
    """
    precision = config.export.precision
    exported = export(config.model, load_file(run.model_file), precision)
    replace_folder(into.export, exported_files(exported, precision, lexicon))
