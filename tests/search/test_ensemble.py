"""An ensemble against the mean of its members' probabilities, computed by hand."""

import numpy as np
import pytest

from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search import EnsembleStepper, search
from tests.search.scripted import BOS, EOS, ScriptedStepper, batch

SOURCES = [[4, 5], [6], [], [4, 6, 6, 5]]


class Shifted(ScriptedStepper):
    """Another model: it predicts what the first one does for another source."""

    def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
        return super()._predicts((9, *source), history)

    def looks(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
        return super().looks(source, (9, *history))


@pytest.mark.parametrize("options", [SearchConfig(beam=1), SearchConfig(beam=4, n_best=4)])
def test_an_ensemble_of_twins_finds_what_one_finds(options: SearchConfig) -> None:
    alone = search(ScriptedStepper(), *batch(SOURCES), options)
    both = search(EnsembleStepper([ScriptedStepper()] * 3), *batch(SOURCES), options)
    for found, expected in zip(both, alone, strict=True):
        assert [h.tokens for h in found] == [h.tokens for h in expected]
        for mine, other in zip(found, expected, strict=True):
            assert mine.score == pytest.approx(other.score, abs=1e-5)
            np.testing.assert_allclose(mine.attention, other.attention, atol=1e-6)


def test_the_score_is_that_of_the_mean_of_the_probabilities() -> None:
    first, second = ScriptedStepper(), Shifted()
    found = search(EnsembleStepper([first, second]), *batch(SOURCES), SearchConfig(beam=3))
    for source, (hypothesis,) in zip(SOURCES, found, strict=True):
        total = 0.0
        read = (*source, EOS)
        for i, token in enumerate([*hypothesis.tokens, *[EOS] * hypothesis.is_complete]):
            history = hypothesis.tokens[:i]
            of_each = [model.predicts(read, history)[token] for model in (first, second)]
            total += np.log(np.exp(of_each).mean())
            looks = np.mean([model.looks(read, history) for model in (first, second)], axis=0)
            np.testing.assert_allclose(hypothesis.attention[i], looks, atol=1e-6)
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-5)


def test_models_of_different_vocabularies_are_refused() -> None:
    ensemble = EnsembleStepper([ScriptedStepper(), ScriptedStepper(vocabulary=8)])
    with pytest.raises(SearchError, match="7 and 8 target tokens"):
        search(ensemble, *batch(SOURCES), SearchConfig())


def test_a_token_only_one_model_can_reach_keeps_its_share() -> None:
    class Short(ScriptedStepper):
        def _predicts(self, source: tuple[int, ...], history: tuple[int, ...]) -> np.ndarray:
            values = super()._predicts(source, history).copy()
            values[4] = -np.inf
            return values

    ensemble = EnsembleStepper([ScriptedStepper(), Short()])
    state = ensemble.start(*batch([[5]]))
    distribution, _ = ensemble.distribution(state, np.array([BOS]))
    expected = ScriptedStepper().predicts((5, EOS), ())[4] + np.log(0.5)
    assert distribution.log_probabilities[0, 4] == pytest.approx(expected, abs=1e-6)


def test_the_memory_vectors_of_all_models_are_side_by_side() -> None:
    class Reader(ScriptedStepper):
        def __init__(self, vectors: np.ndarray) -> None:
            super().__init__()
            self.vectors = vectors

        def memory(self, state: object) -> np.ndarray:
            return self.vectors

    narrow = np.array([[[1.0], [2.0], [0.0]]], dtype=np.float32)  # the last is padding
    wide = np.array([[[3.0, 4.0], [5.0, 6.0]]], dtype=np.float32)
    ensemble = EnsembleStepper([Reader(narrow), Reader(wide)])
    found = ensemble.memory(ensemble.start(*batch([[4]])))
    np.testing.assert_array_equal(found, [[[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]])
