"""What a request asks for, read from JSON or a form, and refused where it is wrong or too much."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from nmt.errors import SearchError
from nmt.progress import counted
from nmt.server.refusals import Refused
from nmt.server.settings import Limits
from nmt.text.normalise import check_text

MOST_FIELDS = 1_000
CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")
FLAGS = {"true": True, "false": False}
AUTO = "auto"
"""The source language of a text whose language is to be found."""


@dataclass(frozen=True)
class Fields:
    """The fields of a request.

    Attributes:
        values: Of each field that is given; null is not.
        is_form: They come from a form, where numbers and flags are spelt out.
    """

    values: Mapping[str, Any]
    is_form: bool

    def texts(self, limits: Limits) -> tuple[list[str], bool]:
        """The texts of ``q``, and whether they are a list."""
        value = self.values.get("q")
        if value is None:
            raise Refused(400, "q is missing: give a text or a list of texts")
        is_list = isinstance(value, list)
        texts: list[Any] = value if is_list else [value]
        if len(texts) > limits.texts:
            raise Refused(
                400, f"q is a list of {len(texts)} texts: give at most {limits.texts} at a time"
            )
        for number, text in enumerate(texts):
            _check_text("q" if not is_list else f"q[{number}]", text, limits.text_characters)
        return texts, is_list

    def prefix(self, limits: Limits) -> str | None:
        """What a translation begins with; None if it is not given."""
        value = self.values.get("prefix")
        if value is not None:
            _check_text("prefix", value, limits.prefix_characters)
        return value

    def code(self, name: str) -> str:
        """The code of a language."""
        value = self.values.get(name)
        if value is None:
            raise Refused(400, f"{name} is missing: give the code of a language, such as en")
        if not isinstance(value, str) or not CODE.fullmatch(value):
            raise Refused(400, f"{name} is not the code of a language, such as en")
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number of at least 0."""
        value = self.values.get(name, default)
        if self.is_form and isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Refused(400, f"{name} is not a whole number of at least 0")
        if value > most:
            raise Refused(400, f"{name} is too large: ask for at most {most}")
        return value

    def flag(self, name: str) -> bool:
        """True or false, which is the default."""
        value = self.values.get(name, False)
        if self.is_form and isinstance(value, str):
            value = FLAGS.get(value.lower())
        if not isinstance(value, bool):
            raise Refused(400, f"{name} is neither true nor false")
        return value

    def format(self) -> Literal["text", "html"]:
        """What the texts are written in."""
        value = self.values.get("format", "text")
        if value not in ("text", "html"):
            raise Refused(400, "format is neither text nor html")
        return "html" if value == "html" else "text"


@dataclass(frozen=True)
class TranslateRequest:
    """What ``/translate`` is asked for.

    Attributes:
        texts: What to translate.
        is_list: Whether it came as a list.
        source: The code of their language, or ``auto``.
        target: The code of the language to translate into.
        is_html: They are HTML.
        alternatives: Translations wanted besides the best; None where nothing was said of them.
        wants_details: Whether words, scores and attention are wanted.
        prefix: What the translation begins with.
    """

    texts: Sequence[str]
    is_list: bool
    source: str
    target: str
    is_html: bool
    alternatives: int | None
    wants_details: bool
    prefix: str | None

    @classmethod
    def read(cls, fields: Fields, limits: Limits) -> "TranslateRequest":
        """Read it from the fields of a request.

        Raises:
            Refused: A field is missing, wrong or too much, or two of them contradict each other.
        """
        texts, is_list = fields.texts(limits)
        alternatives = fields.number("alternatives", 0, limits.alternatives)
        request = cls(
            texts=texts,
            is_list=is_list,
            source=fields.code("source"),
            target=fields.code("target"),
            is_html=fields.format() == "html",
            alternatives=alternatives if "alternatives" in fields.values else None,
            wants_details=fields.flag("details"),
            prefix=fields.prefix(limits),
        )
        characters = sum(map(len, texts))
        if request.wants_details and characters > limits.details_characters:
            raise Refused(
                400,
                f"details of {characters} characters are too many: ask for those of at most "
                f"{limits.details_characters}",
            )
        if request.is_html and (request.wants_details or request.prefix is not None):
            raise Refused(400, "details and prefix are for texts, not for html: leave one out")
        if request.prefix is not None and len(texts) != 1:
            raise Refused(400, "a prefix is for one text: give one")
        return request


@dataclass(frozen=True)
class NextRequest:
    """What ``/next`` is asked for.

    Attributes:
        text: What is translated.
        source: The code of its language.
        target: The code of the language to translate into.
        prefix: What the translation begins with.
        count: How many next words are wanted.
    """

    text: str
    source: str
    target: str
    prefix: str
    count: int

    @classmethod
    def read(cls, fields: Fields, limits: Limits) -> "NextRequest":
        """Read it from the fields of a request.

        Raises:
            Refused: A field is missing, wrong or too much.
        """
        return cls(
            text=one_text(fields, limits),
            source=fields.code("source"),
            target=fields.code("target"),
            prefix=fields.prefix(limits) or "",
            count=fields.number("count", 5, limits.alternatives),
        )


def one_text(fields: Fields, limits: Limits) -> str:
    """The text of ``q``, where it may not be a list.

    Raises:
        Refused: It is one, or wrong or too much.
    """
    texts, is_list = fields.texts(limits)
    if is_list:
        raise Refused(400, "q is a list: give one text")
    return texts[0]


def read_json(body: bytes) -> Fields:
    """The fields of a JSON object.

    Raises:
        Refused: It is not one, strictly: UTF-8, no key twice, no NaN, not nested without end.
    """
    try:
        value = json.loads(
            body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
        )
    except RecursionError:
        raise Refused(400, "the body is JSON that is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise Refused(400, f"the body is not JSON: {error.msg} (character {error.pos})") from None
    except ValueError:
        # Python reads no number of more than some thousand digits.
        raise Refused(400, "the body is JSON with a number that is too long") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body is not a JSON object, such as {'q': 'text'}")
    return Fields({name: of for name, of in value.items() if of is not None}, is_form=False)


def read_form(body: bytes) -> Fields:
    """The fields of a form as HTML sends it, or of a query.

    Raises:
        Refused: It is not one in UTF-8, or has too many fields.
    """
    try:
        pairs = parse_qsl(
            body.decode(),  # not only percent-encoded: `curl -d` sends letters as they are
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except UnicodeDecodeError:
        raise Refused(400, "the form is not in UTF-8") from None
    except ValueError:
        raise Refused(400, f"the form has more than {MOST_FIELDS} fields") from None
    return fields_of(pairs)


def fields_of(pairs: Sequence[tuple[str, str]]) -> Fields:
    """The fields of a form: ``q`` is a list where there are several.

    Raises:
        Refused: Another field is there twice.
    """
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in values:
            values[name] = value
        elif name != "q":
            raise Refused(400, "a field of the form is there twice: leave one out")
        else:
            values["q"] = [*([values["q"]] if isinstance(values["q"], str) else values["q"]), value]
    return Fields(values, is_form=True)


def _check_text(name: str, value: Any, most: int) -> None:
    if not isinstance(value, str):
        raise Refused(400, f"{name} is not a text")
    if len(value) > most:
        raise Refused(
            400, f"{name} has {counted(len(value), 'character')}: give at most {most} at a time"
        )
    try:
        check_text(value)
    except SearchError:
        raise Refused(400, f"{name} is not text: it holds a NUL or half a character") from None


def _refuse_constant(name: str) -> float:
    raise Refused(400, f"the body is not JSON: {name} is no number there")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Refused(400, "the body is JSON with a key twice: leave one out")
    return values
