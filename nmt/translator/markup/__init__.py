"""Translating marked-up text: the tags go through and land around the right words."""

import html
import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nmt.errors import RunError
from nmt.text.normalise import check_text
from nmt.text.words import is_word_character
from nmt.translator.markup.placing import Sentence
from nmt.translator.markup.reading import Language, Token, read_markup

if TYPE_CHECKING:
    from nmt.translator.results import Translation

__all__ = ["Language", "translate_markup"]

LINE_END = re.compile(r"(\r?\n)")
EDGES = re.compile(r"^(\s+)|(\s+)$")


def translate_markup(
    translate: "Callable[[list[str]], list[Translation]]", texts: Sequence[str], language: Language
) -> list[str]:
    """Translate documents or parts of them, with their tags.

    Sentences end at elements such as paragraphs, table cells and line breaks (in XML at those that
    have no text beside or around them) and at a line break that is in no element; all else that
    separates them is left as it is, and so are comments, scripts, styles, code, attributes and what
    has ``translate="no"``.

    Args:
        translate: Translates plain texts, with alignments.
        texts: The documents.
        language: What they are written in.

    Returns:
        The documents with their text translated, all tags in them.

    Raises:
        MarkupError: XML is not well formed.
        RunError: The model has no attention.
        SearchError: A text holds a NUL or a lone surrogate.
    """
    documents = [list(_parts(text, language)) for text in texts]
    sentences = [part for parts in documents for part in parts if isinstance(part, Sentence)]
    translations = iter(translate([sentence.text for sentence in sentences]))
    return [
        "".join(
            part if isinstance(part, str) else _translated(part, next(translations))
            for part in parts
        )
        for parts in documents
    ]


def _translated(sentence: Sentence, translation: "Translation") -> str:
    alignment = translation.hypotheses[0].alignment
    if alignment is None:
        raise RunError(
            "this model has no attention, so nothing says which words belong together: leave out "
            "the markup, or use a model with attention"
        )
    return sentence.translated(alignment)


def _parts(text: str, language: Language) -> Iterator[str | Sentence]:
    """The sentences of a document, and what is between them as it stands."""
    check_text(text)
    for part in _stretches(read_markup(text, language)):
        if isinstance(part, str):
            yield part
        else:
            yield from _sentence(part)


def _stretches(tokens: list[Token]) -> Iterator[str | list[tuple[int, Token]]]:
    """The tokens of each sentence, with their numbers, and what separates sentences."""
    stretch: list[tuple[int, Token]] = []
    depth = 0
    for number, token in enumerate(tokens):
        # In no element, a line break separates sentences as well.
        is_in_lines = token.kind == "text" and depth == 0
        for piece in LINE_END.split(token.raw) if is_in_lines else [token.raw]:
            if token.separates or (is_in_lines and LINE_END.fullmatch(piece)):
                yield stretch
                yield piece
                stretch = []
            else:
                stretch.append((number, replace(token, raw=piece)))
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
    yield stretch


def _sentence(stretch: list[tuple[int, Token]]) -> Iterator[str | Sentence]:
    """A sentence, and what is around it as it stands."""
    there = {number for number, _ in stretch}
    tokens = deque(
        (number, part) for number, token in stretch for part in _spaces_apart(token, there)
    )
    if not any(_has_words(token) for _, token in tokens):
        yield "".join(token.raw for _, token in tokens)
        return
    before: list[str] = []
    after: list[str] = []
    while True:
        opening, (last, closing) = tokens[0][1], tokens[-1]
        is_around = opening.kind == "open" and opening.partner == last
        if is_around or _is_outside(opening):
            before.append(tokens.popleft()[1].raw)
        if is_around or _is_outside(closing):
            after.append(tokens.pop()[1].raw)
        elif not _is_outside(opening):
            break
    yield "".join(before)
    yield Sentence([token for _, token in tokens])
    yield "".join(reversed(after))


def _spaces_apart(token: Token, there: Collection[int]) -> Iterator[Token]:
    """A token, with the spaces around text by themselves, alone where its partner is not there."""
    if token.kind == "text":
        for raw in EDGES.split(token.raw):
            if raw:  # None where there are no spaces
                yield replace(token, raw=raw)
    elif token.partner is None or token.partner in there:
        yield token
    else:
        yield replace(token, kind="alone", partner=None)


def _is_outside(token: Token) -> bool:
    """Whether a token at the edge of a sentence is no part of it."""
    return token.kind == "alone" or (token.kind == "text" and token.raw.isspace())


def _has_words(token: Token) -> bool:
    return token.kind == "text" and any(map(is_word_character, html.unescape(token.raw)))
