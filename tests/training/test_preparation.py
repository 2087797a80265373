"""What tokenizers learn from, and which pairs go into which batch."""

import numpy as np
import pytest
from datasets import Dataset

from nmt.data import bitext as pairs
from nmt.training import preparation

PAIRS = Dataset.from_dict(
    {"source": [f"s{n}" for n in range(5000)], "target": [f"t{n}" for n in range(5000)]}
)


@pytest.mark.parametrize(
    ("targets", "is_kept"),
    [
        (["in 1984", "in 1985", "no number"], True),
        (["in 1984", "then", "no number"], True),
        (["then", "in the year", "no number"], False),
        (["十二", "一九八五", "無"], True),
    ],
)
def test_whether_numbers_are_kept_is_learned_from_the_pairs(
    targets: list[str], is_kept: bool
) -> None:
    sources = ["en 1984", "en 1985", "sans nombre"]
    found = Dataset.from_dict({"source": sources, "target": targets})
    assert preparation.keeps_numbers(found) == is_kept
    assert preparation.keeps_numbers(found.select([2]))  # without any, they are


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
