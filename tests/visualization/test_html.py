"""Text stays text, by the account of Python's own HTML parser."""

import base64
import hashlib
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.visualization.html import NOT_HTML, Markup, element, join, policy, table

pytestmark = pytest.mark.slow


class Reader(HTMLParser):
    """Remembers the elements, their attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def as_read(text: str) -> str:
    return NOT_HTML.sub("\ufffd", text)


@given(st.text())
def test_any_text_is_read_back_as_it_was_and_adds_no_element(text: str) -> None:
    found = Reader(element("p", text, title=text, class_="x"))
    assert found.tags == ["p"]
    assert found.text == as_read(text)
    assert found.attributes == [("title", as_read(text)), ("class", "x")]


def test_a_page_can_always_be_written_as_utf_8() -> None:
    assert element("p", "a\ud800\0\x07b").encode().decode() == "<p>a\ufffd\ufffd\ufffdb</p>"


def test_markup_is_left_as_it_is_and_only_markup() -> None:
    assert element("b", element("i", "<"), "<i>", 7) == "<b><i>&lt;</i>&lt;i&gt;7</b>"
    assert element("br") == "<br>"
    assert join([Markup("<hr>"), "<hr>"]) == "<hr>&lt;hr&gt;"
    assert element("a", "x", href=None, aria_label="y") == '<a aria-label="y">x</a>'


def test_a_table_has_a_cell_for_each_value() -> None:
    found = Reader(table(("<a>", "b"), [[1, "<td>"], [2, "y"]], numbers=1))
    assert (found.tags.count("tr"), found.tags.count("td"), found.tags.count("th")) == (3, 4, 2)
    assert found.text == "<a>b1<td>2y"


def test_the_policy_allows_the_styles_of_the_page_and_nothing_else() -> None:
    digests = [
        base64.b64encode(hashlib.sha256(style).digest()).decode() for style in (b"b{}", b"a{}")
    ]
    found = policy("<style>b{}</style> x <svg><style>a{}</style></svg><style>a{}</style>")
    name, sources = found.split("; ")[1].split(" ", 1)
    assert name == "style-src"
    assert set(sources.split()) == {f"'sha256-{digest}'" for digest in digests}
    assert found.startswith("default-src 'none'; ")
    assert "unsafe" not in found
