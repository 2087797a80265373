"""The page that shows the API: the description of `spec` for people, with boxes to try it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nmt.server.spec import JSON_TYPE, Schema
from nmt.visualization.html import Markup, element, join, table


def documentation_page(spec: Schema, url: str) -> str:
    """The page as HTML.

    Args:
        spec: What it shows.
        url: Of the server, for the examples, without a slash at its end.
    """
    sections = {
        f"{method.upper()} {path}": _endpoint(spec, url, path, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    }
    contents = [element("li", element("a", name, href=f"#{_anchor(name)}")) for name in sections]
    body = element(
        "body",
        _header(spec["info"]),
        element("nav", element("ul", *contents), aria_label="Endpoints"),
        element(
            "main",
            *(
                element("section", element("h2", name), *parts, id=_anchor(name))
                for name, parts in sections.items()
            ),
        ),
    )
    return f"<!doctype html>\n{element('html', _head(), body, lang='en')}\n"


def _head() -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", "nmt: the API"),
        element("link", rel="stylesheet", href="docs/docs.css"),
        element("script", src="docs/docs.js", defer=""),
    )


def _header(info: Mapping[str, str]) -> Markup:
    return element(
        "header",
        element("h1", info["title"], " ", element("small", info["version"])),
        element(
            "p",
            info["description"],
            " The same for programs: ",
            element("a", "OpenAPI 3", href="spec"),
            ". ",
            element("a", "Back", href="./"),
        ),
    )


def _endpoint(spec: Schema, url: str, path: str, operation: Mapping[str, Any]) -> Iterator[Markup]:
    yield element("p", f"{operation['summary']}.")
    body = operation.get("requestBody")
    command = f"curl {url}{path}"
    box = Markup("")
    if body is not None:
        content = body["content"][JSON_TYPE]
        yield _fields(_resolved(spec, content["schema"]))
        example = json.dumps(content["example"], ensure_ascii=False)
        command += f" --json {shlex.quote(example)}"
        label = f"What to send to {path}"
        box = element("textarea", example, rows=3, spellcheck="false", aria_label=label)
    yield element("h3", "For example")
    yield element("pre", element("code", command))
    answer = element("pre", element("output"))
    yield element(
        "form", box, element("button", "Try it"), answer, data_path=path.removeprefix("/")
    )
    yield element("h3", "Answers")
    yield element(
        "dl",
        *(
            join([element("dt", status), element("dd", answer["description"])])
            for status, answer in operation["responses"].items()
        ),
    )


def _fields(schema: Schema) -> Markup:
    rows = [
        (
            element("code", name),
            _type(field),
            "needed" if name in schema["required"] else "",
            field.get("description", ""),
        )
        for name, field in schema["properties"].items()
    ]
    return table(("Field", "Type", "", ""), rows)


def _type(schema: Schema) -> str:
    """What a field takes, in words."""
    if "oneOf" in schema:
        return " or ".join(map(_type, schema["oneOf"]))
    if "enum" in schema:
        return " or ".join(filter(None, schema["enum"]))
    if "items" in schema:
        return f"list of at most {schema['maxItems']}"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    limit = schema.get("maxLength", schema.get("maximum"))
    named = " or ".join(kind for kind in types if kind != "null")
    return named if limit is None else f"{named} (at most {limit})"


def _resolved(spec: Schema, schema: Schema) -> Schema:
    """The schema that a reference stands for."""
    name = schema["$ref"].rpartition("/")[2]
    found: Schema = spec["components"]["schemas"][name]
    return found


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
