"""HTML whose text cannot be anything but text.

Text comes from corpora and recipes, which anybody may have written. Only `element` and `join` make
`Markup`; everything else that is put into an element is escaped.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape

NOT_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a page cannot hold."""
VOID = frozenset({"br", "link", "meta"})
"""Elements that have no end."""
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: Of the element.
        children: What is in it: `Markup` as it is, anything else escaped.
        attributes: By name, with ``_`` for ``-`` and one at the end for a word of Python's; None
            for one that is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in VOID else f"{join(children)}</{name}>"
    return Markup(f"<{name}{written}>{end}")


def join(parts: Iterable[object]) -> Markup:
    """Parts one after another: `Markup` as it is, anything else escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: int = 0) -> Markup:
    """A table that scrolls where it is wider than the page.

    Args:
        heads: What each column holds.
        rows: The cells of each row.
        numbers: How many of the first columns hold numbers.
    """

    def kind(column: int) -> str:
        return "number" if column < numbers else "text"

    head = [element("th", name, scope="col", class_=kind(i)) for i, name in enumerate(heads)]
    body = [
        element("tr", *(element("td", cell, class_=kind(i)) for i, cell in enumerate(row)))
        for row in rows
    ]
    return element("div", element("table", element("tr", *head), *body), class_="scroll")


def escaped(value: object) -> str:
    """A value as the text of an element or of an attribute, in HTML and in XML."""
    return escape(NOT_HTML.sub("\ufffd", str(value)))


def policy(page: str) -> str:
    """A Content-Security-Policy under which a page can do nothing but show its own styles.

    No script runs, nothing is loaded or sent, and no style applies but the ``<style>`` elements
    that the page has, by their hashes.
    """
    styles = " ".join(sorted({source_of(style) for style in STYLE.findall(page)})) or "'none'"
    return f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'"


def source_of(content: str) -> str:
    """What a Content-Security-Policy calls an inline style or script."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
