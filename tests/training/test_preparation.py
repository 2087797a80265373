"""What tokenizers learn from, and which pairs go into which batch."""

import numpy as np
import pytest
from datasets import Dataset

from nmt.data import bitext as pairs
from nmt.training import preparation

PAIRS = Dataset.from_dict(
    {"source": [f"s{n}" for n in range(5000)], "target": [f"t{n}" for n in range(5000)]}
)


def test_a_tokenizer_learns_from_all_texts_where_they_are_few() -> None:
    texts = list(preparation._texts(PAIRS, ("source", "target")))
    assert sorted(texts) == sorted([*PAIRS["source"], *PAIRS["target"]])


@pytest.mark.parametrize("sides", [("source", "target"), ("target",)])
def test_of_many_pairs_some_are_drawn_from_everywhere(
    monkeypatch: pytest.MonkeyPatch, sides: tuple[str, ...]
) -> None:
    monkeypatch.setattr(preparation, "MAX_TRAINING_SENTENCES", 1000)
    monkeypatch.setattr(pairs, "BLOCK_PAIRS", 20)
    texts = list(preparation._texts(PAIRS, sides))
    assert texts == list(preparation._texts(PAIRS, sides))
    assert len(texts) == len(set(texts)) == 1000
    rows = [int(text[1:]) for text in texts]
    assert np.mean(rows) == pytest.approx(2500, abs=5)
    assert (min(rows), max(rows)) == (0, 4999)
    assert {text[0] for text in texts} == {side[0] for side in sides}
