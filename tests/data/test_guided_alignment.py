"""The guide of attention, against Model 1 and its prior written out link by link."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.data.batches import make_batch
from nmt.data.encoded import encode_pairs
from nmt.data.guided_alignment import DOUBT, LEAST_PROBABILITY, NEARNESS, Guide
from nmt.data.ibm1 import translation_table
from nmt.text.tokenizer import EOS, PAD, UNK, Tokenizer

SIZE = 12
# a source token is translated by the one 4 higher, in the opposite order
PAIRS = [
    ([4, 5], [9, 8]),
    ([5, 6], [10, 9]),
    ([4, 6, 5], [9, 10, 8]),
    ([7], [11]),
    ([7, 4], [8, 11]),
]


def arrays(sentences: Sequence[Sequence[int]]) -> list[np.ndarray]:
    return [np.array(sentence, np.int64) for sentence in sentences]


def sides(
    pairs: Sequence[tuple[list[int], list[int]]],
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return arrays([source for source, _ in pairs]), arrays([target for _, target in pairs])


def by_hand(
    source: list[int], target: list[int], table: dict[tuple[int, int], float]
) -> np.ndarray:
    """Each row ends in the share of the end of the source, which is its empty word."""
    rows = []
    for i, token in enumerate([*target, EOS]):
        place = i / (len(target) + 1)
        row = [
            table.get((word, token), 0.0) * np.exp(-4.0 * abs(place - j / (len(source) + 1)))
            for j, word in enumerate(source)
        ]
        row.append(table.get((EOS, token), 0.0) * np.exp(-4.0 * 0.5))
        if token == EOS:
            row = [0.0] * len(source) + [1.0]
        rows.append(np.array(row) / (sum(row) + 0.01))
    return np.array(rows)


token = st.integers(4, SIZE - 1)
sentence = st.lists(token, max_size=6)


@given(st.lists(st.tuples(sentence, sentence), min_size=1, max_size=5))
@settings(max_examples=100, derandomize=True)
def test_looks_are_the_posterior_of_model_1_with_a_preference_for_like_places(
    asked: list[tuple[list[int], list[int]]],
) -> None:
    assert (NEARNESS, DOUBT) == (4.0, 0.01)
    learned = sides(PAIRS)
    found = translation_table(*learned, (SIZE, SIZE), EOS)
    table = {
        (s, t): p
        for s, t, p in zip(*(side.tolist() for side in found), strict=True)
        if p >= LEAST_PROBABILITY
    }
    batch = make_batch(*sides(asked))
    looks = Guide.learn(*learned, (SIZE, SIZE)).looks(batch)
    assert looks.shape == (*batch.target_out.shape, batch.source.shape[1])
    assert looks.dtype == np.float32
    for row, (source, target) in zip(looks, asked, strict=True):
        wanted = np.zeros_like(row)
        wanted[: len(target) + 1, : len(source) + 1] = by_hand(source, target, table)
        np.testing.assert_allclose(row, wanted, rtol=1e-5, atol=1e-7)


def test_words_are_looked_for_where_they_are_and_not_where_they_stand() -> None:
    batch = make_batch(*sides([([4, 5, 6, 7], [11, 10, 9, 8])]))
    looks = Guide.learn(*sides(PAIRS * 20), (SIZE, SIZE)).looks(batch)[0]
    assert looks.argmax(axis=1).tolist() == [3, 2, 1, 0, 4]


def test_what_is_padding_or_was_never_seen_looks_nowhere() -> None:
    guide = Guide.learn(*sides(PAIRS), (SIZE, SIZE))
    batch = make_batch(*sides([([4], [8]), ([5, 4], [3, 8, 9])]))
    looks = guide.looks(batch)
    assert not looks[0, 2:].any() and not looks[0, :, 2:].any(), "padding of either side"
    assert not looks[1, 0].any(), "a token of no training pair"
    told = [[1, 1, 0, 0], [0, 1, 1, 1]]
    np.testing.assert_allclose(looks.sum(axis=2), told, atol=0.06)
    assert (batch.target_out[0, 2:] == PAD).all()


def test_a_token_whose_source_was_dropped_is_left_alone() -> None:
    # 9 comes from 5, and hardly ever from nothing; links in their order
    likely = {EOS * SIZE + 9: 1e-3, 5 * SIZE + 9: 0.8}
    guide = Guide(np.array(list(likely)), np.array(list(likely.values()), np.float32), SIZE)
    batch = make_batch(*sides([([4, 5], [9, 8])]))
    dropped = batch._replace(source=np.array([[4, UNK, EOS]]))
    there, gone = (guide.looks(each)[0, 0] for each in (batch, dropped))
    assert there[1] > 0.9
    assert gone.sum() < 0.05, "nothing else is made responsible for it"


def test_a_guide_that_has_learned_nothing_knows_ends_alone() -> None:
    looks = Guide.learn([], [], (SIZE, SIZE)).looks(make_batch(*sides([([4], [8])])))
    assert looks[0, :, 0].tolist() == [0.0, 0.0]
    assert looks[0, :, 1] == pytest.approx([0.0, 1 / 1.01])


def test_it_is_learned_once_for_the_same_pairs(
    trained: Callable[[str], Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = trained("bpe")
    texts = ["le chien dort", "the dog sleeps", "le chat", "the cat"]
    dataset = Dataset.from_dict({"source": texts[::2], "target": texts[1::2]})
    pairs = encode_pairs(dataset, tokenizer, tokenizer, None)
    sizes = (tokenizer.vocabulary_size,) * 2
    batch = make_batch(*pairs.take(np.arange(len(pairs))))
    first = Guide.of(pairs, sizes).looks(batch)
    wanted = Guide.learn(*pairs.take(np.arange(len(pairs))), sizes).looks(batch)
    assert np.array_equal(first, wanted)
    other = encode_pairs(dataset.select([0]), tokenizer, tokenizer, None)
    assert not np.array_equal(Guide.of(other, sizes).looks(batch), first)
    monkeypatch.setattr(Guide, "learn", None)
    assert np.array_equal(Guide.of(pairs, sizes).looks(batch), first)
