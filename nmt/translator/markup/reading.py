"""HTML and XML as the tags and the text between them. Joined, the tokens are what was read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal
from xml.parsers import expat

from nmt.errors import MarkupError

Language = Literal["html", "xml"]
Kind = Literal["text", "open", "close", "alone"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SEPARATING = _names(
    "address article aside audio blockquote body br button canvas caption center col colgroup dd "
    "details dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 "
    "h4 h5 h6 head header hgroup hr html iframe legend li link main map menu meta nav noscript "
    "object ol optgroup option p param picture pre script search section select source style "
    "summary table tbody td template textarea tfoot th thead title tr track ul video"
)
"""HTML elements that are no part of a sentence."""
KEPT = _names("code kbd math pre samp script style svg template textarea")
"""HTML elements whose content is not translated."""
VOID = _names("area base br col embed hr img input link meta param source track wbr")
"""HTML elements that have no end tag."""

BLOCKS = _names("blockquote dd div dl dt h1 h2 h3 h4 h5 h6 li ol p section table td th tr ul")
"""Elements that are no part of a sentence in XML either, whatever is beside them."""
RAW = _names("script style")
"""HTML elements in which nothing but their end tag is a tag."""
TAG_NAME = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
TAG_END = re.compile(r"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+>""")
ATTRIBUTE = re.compile(r"""(?<=[\s/"'])([^\s/>=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?""")

FRAGMENT = "nmt-fragment"
"""What stands around XML that is not a whole document, for the parser."""
TEXT_LIKE = "&"
"""The name of what stands for text that is not read: an entity, a CDATA section."""


@dataclass(frozen=True)
class Token:
    """A piece of a document.

    Attributes:
        raw: As it stands there.
        kind: Text; an opening or a closing tag; or something that stands alone: a tag without a
            partner, a comment, an element that is not to be translated.
        name: Of the element.
        separates: No sentence goes on across it.
        is_kept: The content of the element is not to be translated.
        partner: The number of the tag that closes or opens the same element.
    """

    raw: str
    kind: Kind
    name: str = ""
    separates: bool = False
    is_kept: bool = False
    partner: int | None = None


def read_markup(text: str, language: Language) -> list[Token]:
    """Take a document, or a part of one, apart.

    Args:
        text: HTML of any quality, or XML: a document, or text and elements without one around.
        language: Which.

    Returns:
        The tokens. Each tag has a partner or stands alone; what is not to be translated is one
        token that stands alone.

    Raises:
        MarkupError: XML is not well formed.
    """
    if language == "html":
        return _without_kept(_paired(_read_html(text)))
    return _without_kept(_separated(_paired(_read_xml(text))))


class _HtmlReader:
    """Takes HTML apart from left to right, as browsers do (whatwg.org, 13.2.5), in linear time.

    No search for an end is made again that has failed once: it would fail further on as well.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()
        self._are_quotes_closed = True

    def tokens(self) -> Iterator[Token]:
        """All tokens, in order; text is in one or several."""
        text, place = self._text, 0
        while (start := text.find("<", place)) >= 0:
            if place < start:
                yield Token(text[place:start], "text")
            token = self._token(start)
            place = start + len(token.raw)
            yield token
            if token.kind == "open" and token.name in RAW:
                end = re.compile(rf"</{token.name}(?=[\s/>])", re.IGNORECASE).search(text, place)
                if end is None:
                    break
                yield Token(text[place : end.start()], "text")
                place = end.start()
        yield Token(text[place:], "text")

    def _token(self, start: int) -> Token:
        """What begins with the ``<`` at a place; text if nothing does."""
        text = self._text
        if name := TAG_NAME.match(text, start):
            end = self._end_of_tag(name.end())
            if end > 0:
                return _tag(text[start:end], name[2].lower(), bool(name[1]))
            is_last = text.find("<", start + 1) < 0
            return Token(text[start:], "alone") if is_last else self._sign(start)
        if text.startswith("<!--", start):
            return Token(text[start : self._end("-->", start + 4) or len(text)], "alone")
        if text.startswith(("<!", "<?", "</"), start):
            is_cdata = text.startswith("<![CDATA[", start)
            if end := (is_cdata and self._end("]]>", start)) or self._end(">", start):
                return Token(text[start:end], "alone")
        return self._sign(start)

    def _sign(self, start: int) -> Token:
        """A ``<`` that is text, and what comes up to the next one."""
        end = self._text.find("<", start + 1)
        return Token(self._text[start : end if end > 0 else len(self._text)], "text")

    def _end_of_tag(self, start: int) -> int:
        """Behind the ``>`` that is in no quotes, or else the first; 0 if there is none."""
        if self._are_quotes_closed:
            if end := TAG_END.match(self._text, start):
                return end.end()
            self._are_quotes_closed = False
        return self._end(">", start)

    def _end(self, closing: str, start: int) -> int:
        """Behind the next ``closing``; 0 if there is none."""
        if closing in self._missing:
            return 0
        place = self._text.find(closing, start)
        if place < 0:
            self._missing.add(closing)
            return 0
        return place + len(closing)


def _tag(raw: str, name: str, is_closing: bool) -> Token:
    """A tag, by its name in small letters."""
    separates = name in SEPARATING
    if is_closing:
        return Token(raw, "close", name, separates)
    if name in VOID or raw.endswith("/>"):
        return Token(raw, "alone", name, separates)
    attributes = {
        match[1].lower(): (match[2] or "").strip("\"'") for match in ATTRIBUTE.finditer(raw[1:-1])
    }
    is_kept = attributes.get("translate") == "no" or (
        "notranslate" in attributes.get("class", "").split()
    )
    return Token(raw, "open", name, separates, is_kept or name in KEPT)


def _read_html(text: str) -> list[Token]:
    tokens: list[Token] = []
    for is_text, group in groupby(_HtmlReader(text).tokens(), key=lambda t: t.kind == "text"):
        if not is_text:
            tokens += group
        elif raw := "".join(token.raw for token in group):
            tokens.append(Token(raw, "text"))
    return tokens or [Token(text, "alone")]


class _XmlReader:
    """Notes where in a document each token begins."""

    def __init__(self, document: bytes) -> None:
        self.begun: list[tuple[int, Token]] = []
        self._parser = parser = expat.ParserCreate("utf-8")
        self._in_cdata = False
        parser.StartElementHandler = self._open
        parser.EndElementHandler = lambda name: self._note("close", name)
        parser.CharacterDataHandler = lambda data: self._note("text")
        parser.CommentHandler = lambda data: self._note("alone")
        parser.ProcessingInstructionHandler = lambda target, data: self._note("alone")
        parser.StartCdataSectionHandler = self._open_cdata
        parser.EndCdataSectionHandler = self._close_cdata
        # With this handler the parser leaves alone the entities that the document defines.
        parser.DefaultHandler = lambda data: self._note("alone", TEXT_LIKE * data.startswith("&"))
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise _NotWellFormed(expat.ErrorString(error.code), parser.ErrorByteIndex) from error

    def _note(self, kind: Kind, name: str = "", is_kept: bool = False) -> None:
        if not self._in_cdata:
            token = Token("", kind, name, is_kept=is_kept)
            self.begun.append((self._parser.CurrentByteIndex, token))

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        is_kept = any(
            key.rpartition(":")[2] == "translate" and value == "no"
            for key, value in attributes.items()
        )
        self._note("open", name, is_kept)

    def _open_cdata(self) -> None:
        self._note("alone", TEXT_LIKE)
        self._in_cdata = True

    def _close_cdata(self) -> None:
        self._in_cdata = False


class _NotWellFormed(Exception):
    """What is wrong with XML, and at which byte."""


def _read_xml(text: str) -> list[Token]:
    is_document = text.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<!DOCTYPE"))
    around = ("", "") if is_document else (f"<{FRAGMENT}>", f"</{FRAGMENT}>")
    document = text.join(around).encode()
    try:
        begun = _XmlReader(document).begun
    except _NotWellFormed as error:
        problem, place = error.args
        before = document[:place].decode(errors="replace").removeprefix(around[0])[: len(text)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise MarkupError(
            f"line {line}, column {column}: not well-formed XML ({problem}): mend it, or try "
            "--markup html, which is forgiving"
        ) from error
    # What comes before the first element is one token.
    first = next(i for i, (_, token) in enumerate(begun) if token.kind == "open")
    begun = [(0, Token("", "alone")), *begun[first:]]
    pieces = [document[i:j].decode() for i, j in _bounds(begun, len(document))]
    tokens = _with_raw(begun, pieces)
    return tokens if is_document else _within(tokens)


def _within(tokens: list[Token]) -> list[Token]:
    """The tokens of a fragment, without the element that was put around it."""
    ends = [i for i, token in enumerate(tokens) if token.name == FRAGMENT]
    if ends != [0, len(tokens) - 1]:
        raise MarkupError(f"<{FRAGMENT}> is an element that nmt needs for itself: rename it")
    return tokens[1:-1]


def _bounds(begun: Sequence[tuple[int, Token]], length: int) -> Iterator[tuple[int, int]]:
    """From where to where each token goes: up to the next; the first from the start."""
    return pairwise([0, *(start for start, _ in begun[1:]), length])


def _with_raw(begun: Sequence[tuple[int, Token]], pieces: Sequence[str]) -> list[Token]:
    """The tokens with what they are, text next to text as one."""
    tokens: list[Token] = []
    there = (
        (token, raw)
        for (_, token), raw in zip(begun, pieces, strict=True)
        if raw or token.kind == "close"  # of <a/>, which is both
    )
    for is_text, group in groupby(there, key=lambda pair: pair[0].kind == "text"):
        if is_text:
            (first, raw), *others = group
            tokens.append(replace(first, raw="".join([raw, *(more for _, more in others)])))
        else:
            tokens += [replace(token, raw=raw) for token, raw in group]
    return tokens


def _paired(tokens: list[Token]) -> list[Token]:
    """Find the partner of each tag; one without stands alone."""
    result = list(tokens)
    opened: dict[str, list[int]] = {}
    order: list[int] = []
    for number, token in enumerate(tokens):
        if token.kind == "open":
            order.append(number)
            opened.setdefault(token.name, []).append(number)
        elif token.kind == "close" and opened.get(token.name):
            partner = opened[token.name].pop()
            # What was opened since, and not closed, has none.
            while (last := order.pop()) != partner:
                opened[tokens[last].name].pop()  # the last of its name
                result[last] = replace(tokens[last], kind="alone")
            result[partner] = replace(tokens[partner], partner=number)
            result[number] = replace(token, partner=partner)
        elif token.kind == "close":
            result[number] = replace(token, kind="alone")
    for number in order:
        result[number] = replace(tokens[number], kind="alone")
    return result


def _separated(tokens: list[Token]) -> list[Token]:
    """Say which XML elements separate sentences: those that have no text beside or around them.

    An element is part of a sentence where the element it is in holds text of its own, too, or is
    part of a sentence itself; but for those that are paragraphs by their name.
    """
    has_text = {parent for parent, token in _with_parents(tokens) if _is_text(token)}
    inline: set[int | None] = set()
    result = list(tokens)
    for number, (parent, token) in enumerate(_with_parents(tokens)):
        is_beside = parent in has_text or parent in inline
        if token.kind == "open" and is_beside and token.name.rpartition(":")[2] not in BLOCKS:
            inline.add(number)
        elif token.kind in ("open", "close"):
            opening = number if token.kind == "open" else token.partner
            result[number] = replace(token, separates=opening not in inline)
    return result


def _with_parents(tokens: list[Token]) -> Iterator[tuple[int | None, Token]]:
    """Each token with the number of the tag that opens the element it is in."""
    within: list[int | None] = [None]
    for number, token in enumerate(tokens):
        if token.kind == "close":
            within.pop()
        yield within[-1], token
        if token.kind == "open":
            within.append(number)


def _is_text(token: Token) -> bool:
    return token.name == TEXT_LIKE or (token.kind == "text" and not token.raw.isspace())


def _without_kept(tokens: list[Token]) -> list[Token]:
    """Put together what is not to be translated, and number the partners anew."""
    result: list[Token] = []
    numbers: dict[int, int] = {}
    number = 0
    while number < len(tokens):
        token = tokens[number]
        end = number
        if token.is_kept and token.kind != "close":
            end = _end_of_kept(tokens, number)
            raw = "".join(part.raw for part in tokens[number : end + 1])
            token = Token(raw, "alone", token.name, token.separates)
        numbers[number] = len(result)
        result.append(token)
        number = end + 1
    return [
        token
        if token.partner is None
        else replace(token, partner=numbers[token.partner])
        if token.partner in numbers
        else replace(token, kind="alone", partner=None)
        for token in result
    ]


def _end_of_kept(tokens: list[Token], number: int) -> int:
    """The last token of an element; without a closing tag it ends where a sentence would."""
    partner = tokens[number].partner
    if partner is not None:
        return partner
    end = number
    while end + 1 < len(tokens) and not tokens[end + 1].separates:
        end += 1
    return end
