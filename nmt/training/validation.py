"""How good the weights are: the loss on the dev set, and BLEU by the search of ``nmt eval``."""

import threading
from collections.abc import Collection, Sequence

import numpy as np

from nmt.config import RunConfig
from nmt.data.batches import make_batch, plan_epoch
from nmt.data.encoded import EncodedPairs
from nmt.evaluation.metrics import bleu
from nmt.model.seq2seq import Seq2Seq
from nmt.search.stepper import Candidates, Integers
from nmt.search.torch_stepper import TorchState, TorchStepper
from nmt.training.learner import Learner
from nmt.training.preparation import Material
from nmt.translator.loading import LoadedModel
from nmt.translator.results import Translation
from nmt.translator.translator import Translator


class ValidationStopped(Exception):
    """The training was asked to stop while its weights were being tried."""


class DevSet:
    """The dev pairs, ready to be tried.

    A text that is longer than what the model learns from (``training.max_tokens``) is translated in
    parts, as always; in the loss its first so many subwords count. So no pair takes more memory
    than a batch of the training.

    Args:
        material: The dev pairs and the tokenizers.
        config: The run.
        stop: Set from outside to end what is under way.
    """

    def __init__(self, material: Material, config: RunConfig, stop: threading.Event) -> None:
        self._pairs = material.dev
        self._tokenizers = material.tokenizers
        self._tokens_per_batch = 2 * config.training.tokens_per_batch
        self._longest = config.training.max_tokens
        self._language = config.corpus.target
        greedy = {"beam": 1, "n_best": 1, "sample": False, "diversity_groups": 1}
        self._search = config.search.model_copy(update=greedy)
        self._stop = stop
        texts = material.corpus.dev
        wanted = config.training.validation_sentences or len(texts)
        # spread over the whole set: dev sets are often sorted
        rows = np.unique(np.linspace(0, len(texts) - 1, num=min(wanted, len(texts)), dtype=int))
        chosen = texts[rows.tolist()]
        self._sources: list[str] = chosen["source"]
        self._references: list[str] = chosen["target"]

    def loss(self, learner: Learner) -> float:
        """Mean cross-entropy of a dev token in nats, without smoothing.

        Raises:
            ValidationStopped: It was asked to stop.
        """
        return mean_loss(learner, self._pairs, self._tokens_per_batch, self._longest, self._stop)

    def bleu(self, learner: Learner) -> tuple[float, list[Translation]]:
        """BLEU of greedy translations of the chosen sentences, and the translations.

        Raises:
            ValidationStopped: It was asked to stop.
        """
        stepper = _StoppableStepper(learner.model, self._stop)
        model = LoadedModel(stepper, self._tokenizers, max_tokens=self._longest)
        translator = Translator(model, self._search)
        translations = translator.translate(self._sources, align=True)
        hypotheses = [translation.text for translation in translations]
        return bleu(hypotheses, self._references, self._language), translations

    def sample(self, number: int, translations: list[Translation]) -> tuple[str, Translation]:
        """A reference and the translation it is for; another one for another number."""
        row = number * 7 % len(translations)
        return self._references[row], translations[row]


class _StoppableStepper(TorchStepper):
    """The model, until the training is asked to stop."""

    def __init__(self, model: Seq2Seq, stop: threading.Event) -> None:
        super().__init__(model)
        self._stop = stop

    def start(
        self,
        source: Integers,
        source_lengths: Integers,
        needed: Sequence[Collection[int]] = (),
    ) -> TorchState:
        _obey(self._stop)
        return super().start(source, source_lengths, needed)

    def step(self, state: TorchState, tokens: Integers, k: int) -> tuple[Candidates, TorchState]:
        _obey(self._stop)
        return super().step(state, tokens, k)


def mean_loss(
    learner: Learner,
    pairs: EncodedPairs,
    tokens_per_batch: int,
    longest: int,
    stop: threading.Event,
) -> float:
    """Mean cross-entropy of a target token in nats, without smoothing; 0 for no pairs.

    Args:
        learner: The model.
        pairs: What to read.
        tokens_per_batch: Target tokens of a batch, padding included.
        longest: Subwords of a side that are read, the first ones.
        stop: Set from outside to end what is under way.

    Raises:
        ValidationStopped: It was asked to stop.
    """
    total, tokens = 0.0, 0
    source_lengths, target_lengths = (
        np.minimum(lengths, longest + 1) for lengths in (pairs.source_lengths, pairs.target_lengths)
    )
    for rows in plan_epoch(source_lengths, target_lengths, tokens_per_batch, 0, 0):
        _obey(stop)
        sides = ([ids[:longest] for ids in side] for side in pairs.take(rows))
        total += learner.loss(make_batch(*sides), smoothing=0.0).item()
        tokens += int(target_lengths[rows].sum())
    return total / max(tokens, 1)


def _obey(stop: threading.Event) -> None:
    if stop.is_set():
        raise ValidationStopped
