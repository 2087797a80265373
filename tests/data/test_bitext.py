import socket
import tracemalloc
from pathlib import Path

import pytest

from nmt.config import CorpusConfig
from nmt.data import bitext as pairs
from nmt.data import processes as pool
from nmt.data import readers
from nmt.data import splits as origins
from nmt.data.bitext import read_split
from nmt.errors import CorpusError


def write(folder: Path, source: str, target: str, split: str = "train") -> CorpusConfig:
    (folder / f"{split}.fr").write_bytes(source.encode())
    (folder / f"{split}.en").write_bytes(target.encode())
    return CorpusConfig(path=str(folder))


def test_a_split_is_its_normalised_pairs_each_in_its_row(tmp_path: Path) -> None:
    config = write(tmp_path, "e\u0301te\u0301\n\nun\u2028 deux\r\n", "summer\nempty\none\ftwo \n")
    split = read_split(config, "train")
    assert split.to_list() == [
        {"source": "été", "target": "summer"},
        {"source": "", "target": "empty"},
        {"source": "un deux", "target": "one two"},
    ]


def test_a_split_is_read_once_until_its_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, "un\n", "one\n")
    assert read_split(config, "train")["source"][0] == "un"

    def fail(*arguments: object) -> None:
        raise AssertionError("read again")

    with monkeypatch.context() as patch:
        patch.setattr(origins, "read_text_pair", fail)
        assert read_split(config, "train")["source"][0] == "un"
    write(tmp_path, "DEUX\n", "two\n")
    assert read_split(config, "train")["source"][0] == "DEUX"


def test_a_split_is_mapped_from_the_cache_and_not_held_in_memory(
    tmp_path: Path, cache: Path
) -> None:
    split = read_split(write(tmp_path, "un\n", "one\n"), "train")
    assert [cache in Path(file["filename"]).parents for file in split.cache_files] == [True]


def test_reading_holds_a_chunk_and_not_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "CHUNK_PAIRS", 500)
    line = "x" * 2000 + "\n"
    config = write(tmp_path, line * 10_000, line * 10_000)  # 40 MB; a chunk is 2 MB
    import pyarrow  # noqa: F401  (its own memory is not what is measured)

    tracemalloc.start()
    try:
        assert len(read_split(config, "train")) == 10_000
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10e6


def test_a_local_corpus_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr(socket.socket, "connect", fail)
    assert len(read_split(write(tmp_path, "un\n", "one\n"), "train")) == 1
    assert capfd.readouterr() == ("", "")


def test_what_is_refused_leaves_nothing_in_the_cache(tmp_path: Path, cache: Path) -> None:
    config = write(tmp_path, "un\n" * 30_000, "one\n" * 29_999)
    with pytest.raises(CorpusError, match="30000 lines but"):
        read_split(config, "train")
    assert list((cache / "pairs").iterdir()) == []


def test_a_table_of_no_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("fr\ten\n")
    with pytest.raises(CorpusError, match=r"train\.tsv: there are no pairs in it"):
        read_split(CorpusConfig(path=str(tmp_path)), "train")


def test_pairs_of_another_format_version_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write(tmp_path, "un\n", "one\n")
    folder = pairs.split_folder(config, "train")
    assert pairs.split_folder(config, "train") == folder
    monkeypatch.setattr(pairs, "FORMAT_VERSION", 0)
    assert pairs.split_folder(config, "train") != folder


@pytest.mark.slow
def test_many_processes_write_what_one_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sentences: list[str]
) -> None:
    config = write(tmp_path, "\n".join(sentences), "\n".join(sentences[::-1]))
    monkeypatch.setattr(readers, "CHUNK_PAIRS", 300)
    alone = pairs.split_folder(config, "train")
    monkeypatch.setattr(pool, "ALONE", 2)
    monkeypatch.setattr(pairs, "FORMAT_VERSION", 0)
    together = pairs.split_folder(config, "train")
    assert together != alone
    for file in sorted(alone.iterdir()):
        assert (together / file.name).read_bytes() == file.read_bytes()


def test_measures_are_characters_and_a_hash_of_both_texts(tmp_path: Path) -> None:
    config = write(tmp_path, "e\u0301te\u0301\n\nun\na\nun\n", "ab\nb\none\nb\none\n")
    measures = pairs.open_measures(pairs.split_folder(config, "train"))
    assert measures.source.tolist() == [3, 0, 2, 1, 2]
    assert measures.target.tolist() == [2, 1, 3, 1, 3]
    assert measures.is_empty.tolist() == [False, True, False, False, False]
    assert measures.hashes[2] == measures.hashes[4]
    assert len(set(measures.hashes.tolist())) == 4


def test_reading_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "CHUNK_PAIRS", 2)
    config = write(tmp_path, "a\nb\nc\n", "a\nb\nc\n")
    told: list[tuple[str, int, int | None]] = []
    pairs.split_folder(config, "train", tell=lambda *words: told.append(words))
    assert told == [("reading train", 2, None), ("reading train", 3, None)]


@pytest.mark.parametrize(
    ("count", "most", "rows"),
    [
        (0, 5, []),
        (5, 5, [0, 1, 2, 3, 4]),
        (20, 7, [0, 1, 9, 10, 18, 19]),
        (20, 1, [0]),
    ],
)
def test_some_pairs_are_blocks_at_equal_distances(
    monkeypatch: pytest.MonkeyPatch, count: int, most: int, rows: list[int]
) -> None:
    monkeypatch.setattr(pairs, "BLOCK_PAIRS", 2)
    assert pairs.blocks(count, most).tolist() == rows


def test_the_first_bad_line_is_named_where_other_processes_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "CHUNK_PAIRS", 3)
    monkeypatch.setattr(pool, "ALONE", 1)
    lines = [*"abcdefghij", "\0", "l", "\0", *"nopqrstu"]
    config = write(tmp_path, "\n".join(lines), "\n".join(lines[::-1]))
    with pytest.raises(CorpusError, match=r"train\.en, line 9: holds a NUL"):
        pairs.split_folder(config, "train")
