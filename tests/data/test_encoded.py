import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from nmt.config import TokenizerConfig
from nmt.data import encoded as module
from nmt.data import processes as pool
from nmt.data.augmentation import Alterations
from nmt.data.bitext import content_of
from nmt.data.encoded import EncodedPairs, Variation, encode_pairs
from nmt.text.tokenizer import Tokenizer, train_tokenizer
from tests.data.preparing import prepare


@pytest.fixture
def tokenizers(trained: Callable[[str], Tokenizer]) -> tuple[Tokenizer, Tokenizer]:
    return trained("bpe"), trained("unigram")


@pytest.fixture
def dataset(sentences: list[str]) -> Dataset:
    sources = ["", *sentences[:150], "语 🎉" * 10]
    return Dataset.from_dict({"source": sources, "target": sources[::-1]})


def ids_of(sides: tuple[list[np.ndarray], ...]) -> list[list[list[int]]]:
    return [[ids.tolist() for ids in side] for side in sides]


def test_rows_are_what_the_tokenizers_say_in_the_order_asked_for(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_PAIRS", 7)
    pairs = encode_pairs(dataset, *tokenizers, None)
    assert (len(pairs), pairs.left_out) == (len(dataset), 0)
    rows = np.array([151, 0, 5, 8, 7, 5, 150])
    assert ids_of(pairs.take(rows)) == [
        [tokenizer.encode(dataset[int(row)][side]) for row in rows]
        for side, tokenizer in zip(("source", "target"), tokenizers, strict=True)
    ]


def test_lengths_count_the_end_of_the_sentence(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    pairs = encode_pairs(dataset, *tokenizers, None)
    sources, targets = pairs.take(np.arange(len(pairs)))
    assert pairs.source_lengths.tolist() == [len(ids) + 1 for ids in sources]
    assert pairs.target_lengths.tolist() == [len(ids) + 1 for ids in targets]
    assert pairs.source_lengths.dtype == pairs.target_lengths.dtype == np.int32


def test_pairs_that_are_too_long_on_a_side_are_left_out_and_counted(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_PAIRS", 7)
    longest = [
        max(len(tokenizers[0].encode(row["source"])), len(tokenizers[1].encode(row["target"])))
        for row in dataset
    ]
    limit = sorted(longest)[100]  # so that some pairs are exactly as long as allowed
    kept = [row for row, length in enumerate(longest) if length <= limit]

    pairs = encode_pairs(dataset, *tokenizers, limit)

    assert pairs.rows.tolist() == kept
    assert pairs.left_out == len(dataset) - len(kept) > 0
    sources, _ = pairs.take(np.arange(len(kept)))
    assert ids_of((sources,))[0] == [tokenizers[0].encode(dataset[row]["source"]) for row in kept]


def test_no_pair_at_all_is_an_empty_set(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    for rows, limit in ((0, None), (20, 0)):
        pairs = encode_pairs(dataset.select(range(1, rows + 1)), *tokenizers, limit)
        assert (len(pairs), pairs.left_out) == (0, rows)
        assert pairs.take(np.arange(0)) == ([], [])


def test_pairs_are_encoded_once_for_each_content(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encode_pairs(dataset, *tokenizers, 20)
    calls = []
    build = module._build
    monkeypatch.setattr(module, "_build", lambda *a: (calls.append(a), build(*a)))

    def is_built(data: Dataset, pair: tuple[Tokenizer, ...], limit: int | None) -> bool:
        calls.clear()
        encode_pairs(data, *pair, limit)
        return bool(calls)

    rows = dataset.to_list()
    same = Dataset.from_list(rows[:40]), Dataset.from_list(rows[40:])
    assert not is_built(dataset, tokenizers, 20)
    # The same texts in other chunks, and by way of a selection.
    from datasets import concatenate_datasets

    assert not is_built(concatenate_datasets(list(same)), tokenizers, 20)
    longer = Dataset.from_list(rows[7:12] + rows * 2)
    assert not is_built(longer.select(range(5, 5 + len(rows))), tokenizers, 20)
    assert is_built(dataset, tokenizers[::-1], 20)
    assert is_built(dataset, tokenizers, 21)
    assert is_built(dataset.select(range(len(rows) - 1, -1, -1)), tokenizers, 20)
    moved = [{"source": "un deux", "target": "a"}, {"source": "trois", "target": "a"}]
    assert is_built(Dataset.from_list(moved), tokenizers, 20)
    moved = [{"source": "un deuxt", "target": "a"}, {"source": "rois", "target": "a"}]
    assert is_built(Dataset.from_list(moved), tokenizers, 20)
    assert len(first) == len(encode_pairs(dataset, *tokenizers, 20))


def test_large_vocabularies_keep_their_ids(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ids_of(encode_pairs(dataset, *tokenizers, None).take(np.arange(50)))

    class Shifted:
        """As if every piece came after 70,000 others."""

        vocabulary_size = 70_000 + tokenizers[0].vocabulary_size

        def __init__(self, tokenizer: Tokenizer) -> None:
            self.tokenizer = tokenizer
            self.digest = "shifted " + tokenizer.digest

        def encode_batch(self, texts: list[str], threads: int) -> list[list[int]]:
            return [[token + 70_000 for token in ids] for ids in self.tokenizer.encode_batch(texts)]

    shifted = encode_pairs(dataset, *map(Shifted, tokenizers), None)  # type: ignore[arg-type]
    sides = ids_of(shifted.take(np.arange(50)))
    assert [[[i - 70_000 for i in ids] for ids in side] for side in sides] == expected


def some_rows(pairs: EncodedPairs) -> np.ndarray:
    return np.random.default_rng(1).permutation(len(pairs))[:40]


def test_sampled_rows_spell_the_same_text(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    pairs = encode_pairs(dataset, *tokenizers, 25)
    rows = some_rows(pairs)
    sampled = pairs.take(rows, Variation(3, sampling=0.2))
    texts = [dataset[int(row)] for row in pairs.rows[rows]]
    for side, name, tokenizer in zip(sampled, ("source", "target"), tokenizers, strict=True):
        assert [tokenizer.decode(ids) for ids in side] == [text[name] for text in texts]
    assert ids_of(sampled) != ids_of(pairs.take(rows))


def test_sampled_rows_are_a_function_of_rows_rate_and_seed(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    pairs = encode_pairs(dataset, *tokenizers, 25)
    rows = some_rows(pairs)
    first = ids_of(pairs.take(rows, Variation(3, sampling=0.2)))
    other = ids_of(pairs.take(rows, Variation(4, sampling=0.2)))
    again = encode_pairs(dataset, *tokenizers, 25)
    assert ids_of(again.take(rows, Variation(3, sampling=0.2))) == first
    assert other != first


def test_the_two_sides_are_not_sampled_alike(trained: Callable[[str], Tokenizer]) -> None:
    texts = ["le chien mange", "aujourd'hui peut-être walking"] * 20
    copied = Dataset.from_dict({"source": texts, "target": texts})
    pairs = encode_pairs(copied, trained("bpe"), trained("bpe"), None)
    source, target = ids_of(pairs.take(np.arange(40), Variation(1, sampling=0.5)))
    assert source != target


def test_rate_0_is_no_sampling(dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]) -> None:
    pairs = encode_pairs(dataset, *tokenizers, None)
    rows = some_rows(pairs)
    assert ids_of(pairs.take(rows, Variation(3, sampling=0.0))) == ids_of(pairs.take(rows))


def test_the_share_of_rows_that_noise_says_is_altered(
    tokenizers: tuple[Tokenizer, Tokenizer],
) -> None:
    # every way of altering changes such a source, and none this target
    columns = {"source": ["Le Garçon est là ."] * 2000, "target": ["the child"] * 2000}
    pairs = encode_pairs(Dataset.from_dict(columns), *tokenizers, None)
    rows = np.arange(2000)
    noisy = Variation(5, alterations=Alterations(noise=0.3))
    source, target = ids_of(pairs.take(rows, noisy))
    plain, same = ids_of(pairs.take(rows))
    changed = [a != b for a, b in zip(source, plain, strict=True)]
    assert sum(changed) == pytest.approx(600, abs=70)
    assert target == same
    assert tokenizers[0].encode("le garçon est là .") in source
    assert ids_of(pairs.take(rows, Variation(5, alterations=Alterations(noise=0.3)))) == [
        source,
        target,
    ]
    assert ids_of(pairs.take(rows, Variation(6, alterations=Alterations(noise=0.3))))[0] != source


def test_altered_rows_are_sampled_too(tokenizers: tuple[Tokenizer, Tokenizer]) -> None:
    columns = {"source": ["Le Garçon est là ."] * 40, "target": ["the child"] * 40}
    pairs = encode_pairs(Dataset.from_dict(columns), *tokenizers, None)
    rows = np.arange(40)
    source, _ = pairs.take(rows, Variation(5, sampling=0.5, alterations=Alterations(noise=0.999)))
    texts = {tokenizers[0].decode(ids) for ids in source}
    assert len(texts) > 3
    assert len({tuple(ids) for ids in source}) > len(texts)


def test_a_batch_of_rows_takes_less_than_two_milliseconds_of_cpu_time(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    pairs = encode_pairs(dataset, *tokenizers, None)
    rows = some_rows(pairs).repeat(2)[:64]
    cpu_s = []
    for _ in range(50):
        start = time.process_time()
        pairs.take(rows)
        cpu_s.append(time.process_time() - start)
    assert min(cpu_s) < 0.002


def test_ids_are_mapped_from_the_cache(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], cache: Path
) -> None:
    ids = encode_pairs(dataset, *tokenizers, None).take(np.array([3]))[0][0]
    owner = ids
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    assert isinstance(owner, np.memmap)
    assert cache in Path(str(owner.filename)).parents


def test_many_processes_encode_as_one_would(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_PAIRS", 20)
    alone = encode_pairs(dataset, *tokenizers, 25)
    monkeypatch.setattr(pool, "ALONE", 2)
    monkeypatch.setattr(module, "FORMAT_VERSION", 0)
    told: list[tuple[str, int, int | None]] = []
    together = encode_pairs(dataset, *tokenizers, 25, tell=lambda *words: told.append(words))
    assert together.digest != alone.digest
    assert together.rows.tolist() == alone.rows.tolist()
    rows = np.arange(len(alone))
    assert ids_of(together.take(rows)) == ids_of(alone.take(rows))
    assert told[::7] == [("dividing into subwords", n, 152) for n in (20, 152)]


def test_what_is_known_of_the_texts_is_not_read_from_them_again(
    dataset: Dataset, tokenizers: tuple[Tokenizer, Tokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = content_of(dataset)
    digest = encode_pairs(dataset, *tokenizers, None).digest
    monkeypatch.delattr(module, "content_of")
    assert encode_pairs(dataset, *tokenizers, None, known).digest == digest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "pairs_done", "kept"),
    [
        ("reading train", 400, {"pairs": 0}),
        ("checking", 0, {"pairs": 2, "checked": 0}),
        ("dividing into subwords", 400, {"pairs": 2, "checked": 1, "ids": 0}),
    ],
)
def test_a_preparation_that_is_killed_is_done_again_from_the_stage_it_was_in(
    tmp_path: Path,
    cache: Path,
    sentences: list[str],
    stage: str,
    pairs_done: int,
    kept: dict[str, int],
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    sources, targets = (list(dict.fromkeys(side))[:1000] for side in (sentences, sentences[::-1]))
    for split, pairs in (("train", slice(None)), ("dev", slice(3))):
        for side, texts in (("fr", sources), ("en", targets)):
            # another first word, so that no pair of dev is in train
            lines = (f"{split} {text}\n" for text in texts[pairs])
            (folder / f"{split}.{side}").write_text("".join(lines))
    config = TokenizerConfig(kind="bpe", vocabulary_size=360)
    tokenizer = train_tokenizer(sentences, config, folder / "joint.model")

    command = [sys.executable, "-m", "tests.data.preparing", folder, stage, str(pairs_done)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert {kind: len(list((cache / kind).glob("[!.]*"))) for kind in kept} == kept

    found = ids_of(prepare(folder).take(np.arange(1000)))
    for ids, texts in zip(found, (sources, targets), strict=True):
        assert ids == [tokenizer.encode(f"train {text}") for text in texts]
