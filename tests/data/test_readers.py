import gzip
import json
import random
import re
import tempfile
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from nmt.data.readers import (
    CHUNK_PAIRS,
    Columns,
    read_jsonl,
    read_lines,
    read_parquet,
    read_text_pair,
    read_tsv,
)
from nmt.errors import CorpusError

FR_EN = Columns("fr", "en")

# Any character but the line end, a NUL, and halves of surrogate pairs, which are not text.
lines = st.lists(
    st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"])).filter(
        lambda line: not line.endswith("\r") and not line.startswith("\ufeff")
    ),
    min_size=1,
)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pairs(chunks: object) -> list[tuple[str, str]]:
    return [pair for chunk in chunks for pair in zip(*chunk, strict=True)]  # type: ignore[attr-defined]


@given(lines, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_every_line_of_a_text_comes_back(
    sentences: list[str], end: str, has_mark: bool, is_ended: bool
) -> None:
    if not sentences[-1]:
        is_ended = True  # an empty last line without an end is no line
    content = end.join(sentences) + end * is_ended
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "a.fr", "\ufeff" * has_mark + content)
        assert list(read_lines(path)) == sentences


@pytest.mark.parametrize("inside", ["\r", "\u2028", "\u2029", "\x85", "\f", "\v", "\x1c", "\x1e"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, inside: str) -> None:
    path = write(tmp_path, "a.fr", f"un{inside}deux\r\ntrois\n")
    assert list(read_lines(path)) == [f"un{inside}deux", "trois"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"un\ndeux\ntr\xe9s\n", "line 3: byte 3 (0xE9) is not UTF-8; convert the file to UTF-8"),
        (b"un\nde\0ux\n", "line 2: holds a NUL"),
        (b"un\n\xed\xa0\x80\n", "line 2: byte 1 (0xED) is not UTF-8"),  # an encoded surrogate
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (gzip.compress(b"un\ndeux\n", mtime=0), "it is compressed with gzip: unpack it"),
        (
            "un\ndeux\n".encode("utf-16"),
            "it looks like UTF-16: convert it, as with `iconv -f UTF-16 ",
        ),
    ],
)
def test_a_file_that_is_not_text_is_refused_by_its_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = write(tmp_path, "a.fr", content)
    with pytest.raises(CorpusError, match=re.escape(said)) as refusal:
        list(read_lines(path))
    assert str(path) in str(refusal.value)


def test_a_lone_carriage_return_at_the_very_end_is_no_line_end(tmp_path: Path) -> None:
    assert list(read_lines(write(tmp_path, "a.fr", "un\r\ndeux\r"))) == ["un", "deux\r"]


@pytest.mark.parametrize("content", ["\n", "a\n\n", "ab\n", "\ufeff\n"])
def test_an_empty_line_is_a_line(tmp_path: Path, content: str) -> None:
    expected = content.removeprefix("\ufeff").split("\n")[:-1]
    assert list(read_lines(write(tmp_path, "a.fr", content))) == expected


def test_text_pairs_are_aligned_by_line(tmp_path: Path) -> None:
    source = write(tmp_path, "a.fr", "un\r\n\r\ntrois")
    target = write(tmp_path, "a.en", "one\ntwo\nthree\n")
    assert pairs(read_text_pair(source, target)) == [("un", "one"), ("", "two"), ("trois", "three")]


@pytest.mark.parametrize("counts", [(3, 2), (2, 3), (CHUNK_PAIRS + 5, CHUNK_PAIRS), (1, 30_000)])
def test_sides_of_different_length_are_refused_with_both_counts(
    tmp_path: Path, counts: tuple[int, int]
) -> None:
    source = write(tmp_path, "a.fr", "un\n" * counts[0])
    target = write(tmp_path, "a.en", "one\n" * counts[1])
    said = f"{source} has {counts[0]} lines but {target} has {counts[1]}: "
    with pytest.raises(CorpusError, match=re.escape(said)) as refusal:
        pairs(read_text_pair(source, target))
    assert f"line {min(counts) + 1} of the longer" in str(refusal.value)


def test_columns_of_a_tsv_are_named_by_its_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'id\ten\tfr\r\n1\tone "\tun\n2\t\tde"ux\n')
    assert pairs(read_tsv(path, FR_EN)) == [("un", 'one "'), ('de"ux', "")]
    assert pairs(read_tsv(path, Columns("en", "id"))) == [('one "', "1"), ("", "2")]


def test_columns_of_a_tsv_without_header_are_numbered(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", "one\tun\tCC-BY\ntwo\tdeux\tCC-BY")
    assert pairs(read_tsv(path, Columns("2", "1"))) == [("un", "one"), ("deux", "two")]


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        ("one\tun\ntwo\tdeux\n", FR_EN, "no column 'fr' among 'one', 'un': name it with corpus."),
        (
            "fr\ten\nun\tone\nde\tux\ttwo\n",
            FR_EN,
            "line 3: 3 fields separated by tabs instead of 2",
        ),
        ("fr\ten\nun\n", FR_EN, "line 2: 1 field separated by tabs instead of 2"),
        ("un\tone\ndeux\n", Columns("1", "2"), "line 2: 1 field separated by tabs instead of 2"),
        ("un\tone\n", Columns("1", "3"), "line 1: 2 fields separated by tabs instead of 3"),
        ("un\tone\n", Columns("0", "1"), "numbered from 1"),
    ],
)
def test_a_tsv_that_does_not_fit_is_refused_by_its_line(
    tmp_path: Path, content: str, columns: Columns, said: str
) -> None:
    path = write(tmp_path, "a.tsv", content)
    with pytest.raises(CorpusError, match=re.escape(said)) as refusal:
        pairs(read_tsv(path, columns))
    assert str(path) in str(refusal.value)


def test_json_lines_are_flat_or_hold_a_translation(tmp_path: Path) -> None:
    rows = [
        {"fr": "un", "en": "one", "id": 3},
        {"translation": {"en": "two\u2028", "fr": "deux 🎉"}},
        {"fr": None, "en": "three"},
    ]
    path = write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert pairs(read_jsonl(path, FR_EN)) == [
        ("un", "one"),
        ("deux 🎉", "two\u2028"),
        ("", "three"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"fr": "deux", "en": ', "line 2: not JSON"),
        ("[" * 100_000, "line 2: not JSON"),
        ("", "line 2: not JSON"),
        ('["deux", "two"]', 'line 2: \'["deux", "two"]\' is not a JSON object'),
        ('{"fr": "deux", "english": "two"}', "line 2: no column 'en' among 'fr', 'english'"),
        ('{"translation": {"de": "zwei"}}', "line 2: no column 'fr' among 'de'"),
        ('{"fr": 2, "en": "two"}', "line 2, 'fr': '2' is not text"),
        (r'{"fr": "deux", "en": "t\u0000"}', "line 2, 'en': holds a NUL"),
        (r'{"fr": "\ud83d", "en": "two"}', "line 2, 'fr': not Unicode text, a lone surrogate"),
    ],
)
def test_a_json_line_that_does_not_fit_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path, "a.jsonl", '{"fr": "un", "en": "one"}\n' + line + "\n")
    with pytest.raises(CorpusError, match=re.escape(said)):
        pairs(read_jsonl(path, FR_EN))


@pytest.mark.parametrize("is_nested", [False, True])
def test_parquet_files_are_read_one_after_the_other(tmp_path: Path, is_nested: bool) -> None:
    rows = [{"fr": f"un {i}", "en": f"one {i}" if i else None} for i in range(CHUNK_PAIRS + 7)]
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, part in zip(paths, (rows[:3], rows[3:]), strict=True):
        table = pyarrow.Table.from_pylist(part)
        if is_nested:
            table = pyarrow.table({"id": range(len(part)), "translation": table.to_struct_array()})
        parquet.write_table(table, path)
    expected = [(row["fr"], row["en"] or "") for row in rows]
    assert pairs(read_parquet(paths, FR_EN)) == expected


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"de": ["eins"], "en": ["one"]}, "no column 'fr' among 'en'"),
        ({"de": ["eins"]}, "no column 'fr' among 'de'"),
        ({"translation": [{"de": "eins", "en": "one"}]}, "no column 'fr' among 'de', 'en'"),
        ({"fr": ["un", "deux"], "en": [1, 2]}, "column 'en', row 1: '1' is not text"),
        ({"fr": ["un", "d\0"], "en": ["a", "b"]}, "column 'fr', row 2: holds a NUL"),
    ],
)
def test_a_parquet_file_that_does_not_fit_is_refused(
    tmp_path: Path, columns: dict[str, list[object]], said: str
) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    with pytest.raises(CorpusError, match=re.escape(said)) as refusal:
        pairs(read_parquet([path], FR_EN))
    assert str(path) in str(refusal.value)


def test_a_row_of_a_parquet_file_is_numbered_from_its_start(tmp_path: Path) -> None:
    texts = ["un"] * (CHUNK_PAIRS + 4) + ["d\0"]
    parquet.write_table(pyarrow.table({"fr": texts, "en": texts}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=f"row {CHUNK_PAIRS + 5}: holds a NUL"):
        pairs(read_parquet([tmp_path / "a.parquet"], FR_EN))


def test_text_in_parquet_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    bad = pyarrow.array([b"tr\xe9s"]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"fr": bad, "en": ["very"]}), path)
    with pytest.raises(CorpusError, match="column 'fr', from row 1 on: not UTF-8"):
        pairs(read_parquet([path], FR_EN))


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    parquet.write_table(pyarrow.table({"fr": ["un"], "en": ["one"]}), whole)
    damaged = write(tmp_path, "a.parquet", whole.read_bytes()[:-20])
    with pytest.raises(CorpusError, match="not a readable Parquet file"):
        pairs(read_parquet([damaged], FR_EN))


def test_shards_of_parquet_are_not_held_in_memory(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    # 2 shards of 40,000 pairs of 1 kB that cannot be compressed: 80 MB
    draw = random.Random(1)
    paths = [tmp_path / f"train-{number}.parquet" for number in range(2)]
    for path in paths:
        texts = [draw.randbytes(250).hex() for _ in range(40_000)]
        table = pyarrow.table({"fr": texts, "en": texts[::-1]})
        parquet.write_table(table, path, row_group_size=10_000, use_dictionary=False)
        del table, texts
    before = pyarrow.total_allocated_bytes()
    most, pairs = 0, 0
    for chunk in read_parquet(paths, FR_EN):
        most = max(most, pyarrow.total_allocated_bytes() - before)
        pairs += len(chunk.source)
    assert pairs == 80_000
    assert most < 20e6  # a chunk is 10 MB
