"""The page that shows the API: the description of `spec` for people, with boxes to try it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from nmt.server.spec import JSON_TYPE, Schema

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>nmt: the API</title>
  <link rel="stylesheet" href="docs/docs.css">
  <script src="docs/docs.js" defer></script>
</head>
<body>
  <header>
    <h1>{title} <small>{version}</small></h1>
    <p>{description} The same for programs: <a href="spec">OpenAPI 3</a>. <a href="./">Back</a></p>
  </header>
  <nav aria-label="Endpoints"><ul>{contents}</ul></nav>
  <main>{sections}</main>
</body>
</html>
"""


def documentation_page(spec: Schema, url: str) -> str:
    """The page as HTML.

    Args:
        spec: What it shows.
        url: Of the server, for the examples, without a slash at its end.
    """
    endpoints = [
        (path, method, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]
    names = [f"{method.upper()} {path}" for path, method, _ in endpoints]
    contents = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in names)
    sections = "".join(
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>'
        + "".join(_endpoint(spec, url, *endpoint))
        + "</section>"
        for name, endpoint in zip(names, endpoints, strict=True)
    )
    about = {key: escape(spec["info"][key]) for key in ("title", "version", "description")}
    return PAGE.format(contents=contents, sections=sections, **about)


def _endpoint(
    spec: Schema, url: str, path: str, method: str, operation: Mapping[str, Any]
) -> Iterator[str]:
    yield f"<p>{escape(operation['summary'])}.</p>"
    body = operation.get("requestBody")
    if body is None:
        command = f"curl {url}{path}"
        box = ""
    else:
        content = body["content"][JSON_TYPE]
        yield _fields(_resolved(spec, content["schema"]))
        example = json.dumps(content["example"], ensure_ascii=False)
        command = f"curl {url}{path} --json {shlex.quote(example)}"
        box = (
            f'<textarea rows="3" spellcheck="false" aria-label="What to send to {escape(path)}">'
            f"{escape(example)}</textarea>"
        )
    yield f"<h3>For example</h3><pre><code>{escape(command)}</code></pre>"
    yield (
        f'<form data-path="{escape(path.removeprefix("/"))}">{box}<button>Try it</button>'
        "<pre><output></output></pre></form>"
    )
    answers = "".join(
        f"<dt>{status}</dt><dd>{escape(answer['description'])}</dd>"
        for status, answer in operation["responses"].items()
    )
    yield f"<h3>Answers</h3><dl>{answers}</dl>"


def _fields(schema: Schema) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(field))}</td>"
        f"<td>{'needed' if name in schema['required'] else ''}</td>"
        f"<td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    heads = "<tr><th>Field</th><th>Type</th><th></th><th></th></tr>"
    return f'<div class="scroll"><table>{heads}{rows}</table></div>'


def _type(schema: Schema) -> str:
    """What a field takes, in words."""
    if "oneOf" in schema:
        return " or ".join(map(_type, schema["oneOf"]))
    if "enum" in schema:
        return " or ".join(filter(None, schema["enum"]))
    if "items" in schema:
        return f"list of at most {schema['maxItems']}"
    limit = schema.get("maxLength", schema.get("maximum"))
    return str(schema["type"]) + (f" (at most {limit})" if limit is not None else "")


def _resolved(spec: Schema, schema: Schema) -> Schema:
    """The schema that a reference stands for."""
    name = schema["$ref"].rpartition("/")[2]
    found: Schema = spec["components"]["schemas"][name]
    return found


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
