"""How good the weights are: the loss on the dev set, and BLEU by the same search as ever."""

import numpy as np

from nmt.config import RunConfig
from nmt.data.batches import make_batch, plan_epoch
from nmt.data.encoded import EncodedPairs
from nmt.evaluation.metrics import bleu
from nmt.search.torch_stepper import TorchStepper
from nmt.training.learner import Learner
from nmt.training.preparation import Material
from nmt.translator.loading import LoadedModel
from nmt.translator.results import Translation
from nmt.translator.translator import Translator


class DevSet:
    """The dev pairs, ready to be tried.

    Args:
        material: The dev pairs and the tokenizers.
        config: The run.
    """

    def __init__(self, material: Material, config: RunConfig) -> None:
        self._pairs = material.dev
        self._tokenizers = material.tokenizers
        self._tokens_per_batch = 2 * config.training.tokens_per_batch
        self._language = config.corpus.target
        greedy = {"beam": 1, "n_best": 1, "sample": False, "robust": False}
        self._search = config.search.model_copy(update=greedy)
        texts = material.corpus.dev
        wanted = config.training.validation_sentences or len(texts)
        # spread over the whole set: dev sets are often sorted
        rows = np.unique(np.linspace(0, len(texts) - 1, num=min(wanted, len(texts)), dtype=int))
        chosen = texts[rows.tolist()]
        self._sources: list[str] = chosen["source"]
        self._references: list[str] = chosen["target"]

    def loss(self, learner: Learner) -> float:
        """Mean cross-entropy of a dev token in nats, without smoothing."""
        return mean_loss(learner, self._pairs, self._tokens_per_batch)

    def bleu(self, learner: Learner) -> tuple[float, list[Translation]]:
        """BLEU of greedy translations of the chosen sentences, and the translations."""
        model = LoadedModel(TorchStepper(learner.model), self._tokenizers)
        translator = Translator(model, self._search)
        translations = translator.translate(self._sources, align=True)
        hypotheses = [translation.text for translation in translations]
        return bleu(hypotheses, self._references, self._language), translations

    def sample(self, number: int, translations: list[Translation]) -> tuple[str, Translation]:
        """A reference and the translation it is for; another one for another number."""
        row = number * 7 % len(translations)
        return self._references[row], translations[row]


def mean_loss(learner: Learner, pairs: EncodedPairs, tokens_per_batch: int) -> float:
    """Mean cross-entropy of a target token in nats, without smoothing; 0 for no pairs."""
    total, tokens = 0.0, 0
    plan = plan_epoch(pairs.source_lengths, pairs.target_lengths, tokens_per_batch, 0, 0)
    for rows in plan:
        total += learner.loss(make_batch(*pairs.take(rows)), smoothing=0.0).item()
        tokens += int(pairs.target_lengths[rows].sum())
    return total / max(tokens, 1)
