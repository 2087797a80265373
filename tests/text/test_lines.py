"""What a line is, and how lines are gathered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.errors import SearchError
from nmt.text.lines import BYTES_PER_CHUNK, LINES_PER_CHUNK, in_chunks, line_of, texts_of


def test_the_byte_order_mark_of_a_file_is_no_text_and_any_other_is() -> None:
    lines = ["\ufeffun\r\n".encode(), "\ufeffdeux\n".encode(), b"trois"]
    assert texts_of(lines, 1, "x") == ["un", "\ufeffdeux", "trois"]
    assert texts_of(lines, 2, "x")[0] == "\ufeffun"


def test_what_is_not_text_is_named_by_its_line() -> None:
    with pytest.raises(SearchError, match=r"^x, line 8: not UTF-8 \(byte 0xFF at byte 2\)"):
        texts_of([b"a\n", b"b\xff\n"], 7, "x")
    with pytest.raises(SearchError, match=r"^x, line 7: holds a NUL"):
        texts_of([b"\0\n"], 7, "x")


@given(text=st.text(st.sampled_from("aé\r\n\u2028\x0b")))
def test_a_text_is_one_line_whatever_it_holds(text: str) -> None:
    line = line_of(text)
    assert line.count(b"\n") == 1
    assert line.decode() == text.replace("\r", " ").replace("\n", " ") + "\n"


def test_chunks_end_by_lines_or_by_bytes() -> None:
    sizes = [len(chunk) for chunk in in_chunks([b"\n"] * (2 * LINES_PER_CHUNK + 1))]
    assert sizes == [LINES_PER_CHUNK, LINES_PER_CHUNK, 1]
    half = b"x" * (BYTES_PER_CHUNK // 2)
    assert list(in_chunks([half] * 3)) == [[half, half], [half]]
    assert list(in_chunks([])) == []


def test_lines_are_read_when_they_are_asked_for() -> None:
    given = iter([b"\n"] * 10 * LINES_PER_CHUNK)
    next(in_chunks(given))
    assert len(list(given)) == 9 * LINES_PER_CHUNK
