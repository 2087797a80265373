"""The API in OpenAPI 3.1, made from the models of its requests and the types of its answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

import nmt
from nmt.server.requests import Asked, DetectRequest, NextRequest, TranslateRequest
from nmt.server.responses import Error, Language, NextAnswer, TranslateAnswer
from nmt.server.settings import Limits
from nmt.text.language_id import Detection

Schema = dict[str, Any]

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
BOUNDS = ("maxLength", "maxItems", "maximum")
REFUSED = {
    "400": "A field is missing, wrong or too large, or no model does this.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form.",
}
BUSY = {"503": "Too much to do: try again after the seconds in Retry-After."}


@dataclass(frozen=True)
class Endpoint:
    """What can be asked for.

    Attributes:
        path: Where.
        summary: What it does, without a full stop.
        answer: The type of the answer; None for plain text.
        request: The model of what is sent, by POST; None for GET.
    """

    path: str
    summary: str
    answer: Any
    request: type[Asked] | None = None


ENDPOINTS = (
    Endpoint("/translate", "Translate texts", TranslateAnswer, TranslateRequest),
    Endpoint(
        "/next", "What a translation could go on with after a prefix", NextAnswer, NextRequest
    ),
    Endpoint("/detect", "Which language a text is in", list[Detection], DetectRequest),
    Endpoint("/languages", "The languages, and what each is translated into", list[Language]),
    Endpoint("/frontend/settings", "What a page should know of this server", dict[str, Any]),
    Endpoint("/health", "Whether the process answers", dict[str, str]),
    Endpoint("/live", "Whether the process answers", dict[str, str]),
    Endpoint("/ready", "Whether it can translate", dict[str, str]),
    Endpoint("/metrics", "Counts in the text format of Prometheus", None),
    Endpoint("/spec", "This description", dict[str, Any]),
)


def make_spec(limits: Limits) -> Schema:
    """The description of the API under these limits."""
    types = {each.path: each.answer for each in ENDPOINTS} | {"error": Error}
    types |= {each.request.__name__: each.request for each in ENDPOINTS if each.request}
    schemas, definitions = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(of)) for name, of in types.items()],
        ref_template="#/components/schemas/{model}",
    )
    found = {name: schema for (name, _), schema in schemas.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nmt",
            "version": nmt.__version__,
            "description": "Translates text. The shapes are LibreTranslate's; details, prefix and "
            "/next are additions. Keys that are not known, such as api_key, are ignored.",
            "license": {"name": "MIT"},
        },
        "paths": {each.path: dict(_operations(each, found)) for each in ENDPOINTS},
        "components": {"schemas": _with_numbers(definitions["$defs"], limits)},
    }


def _operations(endpoint: Endpoint, schemas: Schema) -> Iterator[tuple[str, Schema]]:
    """The one method of an endpoint, and what it takes and answers."""
    kind = "text/plain" if endpoint.answer is None else JSON_TYPE
    answer = {"type": "string"} if endpoint.answer is None else schemas[endpoint.path]
    problems = REFUSED | BUSY if endpoint.request else BUSY if endpoint.path == "/ready" else {}
    operation: Schema = {
        "summary": endpoint.summary,
        "responses": {"200": {"description": "Done", "content": {kind: {"schema": answer}}}},
    }
    for status, description in problems.items():
        content = {JSON_TYPE: {"schema": schemas["error"]}}
        operation["responses"][status] = {"description": description, "content": content}
    if endpoint.request is None:
        yield "get", operation
        return
    schema = {"schema": schemas[endpoint.request.__name__]}
    content = {JSON_TYPE: schema | {"example": endpoint.request.example()}, FORM_TYPE: schema}
    yield "post", operation | {"requestBody": {"required": True, "content": content}}


def _with_numbers(schema: Any, limits: Limits) -> Any:
    """The same schema with numbers in the place of the names of limits (`requests.AtMost`)."""
    if isinstance(schema, list):
        return [_with_numbers(each, limits) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: getattr(limits, value)
        if key in BOUNDS and isinstance(value, str)
        else _with_numbers(value, limits)
        for key, value in schema.items()
    }
