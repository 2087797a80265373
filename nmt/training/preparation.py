"""From a configuration to what a training needs: checked pairs, tokenizers, token ids."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from nmt.config import RunConfig, override
from nmt.data.augmentation import Alterations
from nmt.data.batches import plan_epoch
from nmt.data.bitext import blocks
from nmt.data.encoded import EncodedPairs, encode_pairs
from nmt.data.filtering import Corpus, load_corpus
from nmt.data.guided_alignment import Guide
from nmt.data.mixture import Mixture
from nmt.data.phrases import WordTable
from nmt.data.processes import interruptible
from nmt.errors import TrainingError
from nmt.progress import counted
from nmt.runs.directory import RunDirectory
from nmt.text.tokenizer import MAX_TRAINING_SENTENCES, Tokenizer, Tokenizers, train_tokenizer
from nmt.training.progress import Reporter
from nmt.translator.protected import lost_numbers

_LOOKED_THROUGH_FOR_NUMBERS = 100_000
_PAIRS_WITH_NUMBERS = 1000


class Material(NamedTuple):
    """What a training learns from and is tried on."""

    corpus: Corpus
    tokenizers: Tokenizers
    pairs: EncodedPairs
    mixture: Mixture
    dev: EncodedPairs
    alterations: Alterations

    @property
    def digest(self) -> str:
        """Another one where other pairs are learned from, or as often as not before."""
        return self.mixture.digest(self.pairs.digest)

    def plan(self, tokens_per_batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of ``pairs`` in each batch of an epoch, in order: see `plan_epoch`."""
        rows = self.mixture.rows(seed, epoch)
        lengths = self.pairs.source_lengths[rows], self.pairs.target_lengths[rows]
        return [rows[batch] for batch in plan_epoch(*lengths, tokens_per_batch, seed, epoch)]


def prepare(config: RunConfig, run: RunDirectory, reporter: Reporter) -> Material:
    """Read and check the corpus, train the tokenizers that the run does not have yet, encode.

    Raises:
        CorpusError: The corpus cannot be read.
        TokenizerError: A tokenizer cannot be trained on it.
        TrainingError: Nothing is left to learn from.
    """
    corpus = load_corpus(config.corpus, reporter.preparing)
    for line in corpus.report.lines():
        reporter.note(line)
    reporter.preparing("learning subwords", 0, None)
    tokenizers = tokenizers_of(config, run, corpus)
    longest = config.training.max_tokens
    pairs = encode_pairs(corpus.train, *tokenizers, longest, corpus.content, reporter.preparing)
    if pairs.left_out:
        reporter.note(
            f"{counted(pairs.left_out, 'training pair')} left out: more than {longest} subwords "
            "on a side (training.max_tokens)"
        )
    if not len(pairs):
        raise TrainingError(
            f"no training pair has at most {longest} subwords on each side: raise "
            "training.max_tokens"
        )
    mixture = Mixture.of(corpus.portions, pairs.rows)
    if not mixture.smallest_epoch:
        raise TrainingError(
            "corpus.weight is so small that an epoch may hold no pair at all: raise it"
        )
    dev = encode_pairs(corpus.dev, *tokenizers, None)
    return Material(corpus, tokenizers, pairs, mixture, dev, _alterations(config, corpus, pairs))


def with_its_numbers(config: RunConfig, corpus: Corpus) -> RunConfig:
    """The configuration, with ``search.numbers`` free where most training pairs lose theirs."""
    if config.search.numbers != "auto" or keeps_numbers(corpus.train):
        return config
    return override(config, ["search.numbers=free"])


def keeps_numbers(pairs: Dataset) -> bool:
    """Whether the targets of at least half of the pairs have all numbers of their sources.

    Of many pairs the first with a number are looked at; without any, numbers are kept.
    """
    kept = seen = 0
    for rows in pairs.select(blocks(len(pairs), _LOOKED_THROUGH_FOR_NUMBERS)).iter(1000):
        for source, target in zip(rows["source"], rows["target"], strict=True):
            if lost_numbers(source, ""):
                seen += 1
                kept += not lost_numbers(source, target)
        if seen >= _PAIRS_WITH_NUMBERS:
            break
    return 2 * kept >= seen


def tokenizers_of(config: RunConfig, run: RunDirectory, corpus: Corpus) -> Tokenizers:
    """The run's tokenizers, trained on the training pairs where there are none yet."""
    files = run.tokenizer_files(config.tokenizer.joint)
    sides = [("source", "target")] if config.tokenizer.joint else [("source",), ("target",)]
    for learned_from, file in zip(sides, files, strict=False):  # a joint one is the file of both
        if not file.exists():
            texts = _texts(corpus.train, learned_from)
            interruptible(partial(train_tokenizer, texts, config.tokenizer, file))
    source, target = (Tokenizer.load(file) for file in files)
    return Tokenizers(source, target)


def guide_of(config: RunConfig, material: Material, reporter: Reporter) -> Guide | None:
    """What tells attention where to look; None where it is not to be told, or there is none."""
    if not config.training.guided_attention or config.model.attention == "none":
        return None
    reporter.preparing("learning which subwords translate which", 0, None)
    source, target = (tokenizer.vocabulary_size for tokenizer in material.tokenizers)
    return Guide.of(material.pairs, (source, target))


def _alterations(config: RunConfig, corpus: Corpus, pairs: EncodedPairs) -> Alterations:
    noise, fragments = config.training.noise, config.training.fragments
    table = WordTable.of(corpus.train, pairs.digest) if fragments else None
    return Alterations(noise, fragments, table)


def _texts(pairs: Dataset, sides: tuple[str, ...]) -> Iterator[str]:
    """The texts of pairs, or of as many of them as a tokenizer learns from."""
    chosen = pairs.select(blocks(len(pairs), MAX_TRAINING_SENTENCES // len(sides)))
    for rows in chosen.iter(batch_size=1000):
        for side in sides:
            yield from rows[side]
