"""The API in OpenAPI 3, kept by hand; tests hold it against the routes and their answers."""

from collections.abc import Mapping
from typing import Any

import nmt
from nmt.server.reading import AUTO
from nmt.server.settings import Limits

Schema = dict[str, Any]

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def make_spec(limits: Limits) -> Schema:
    """The description of the API under these limits."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "nmt",
            "version": nmt.__version__,
            "description": "Translates text. The shapes are LibreTranslate's; details, prefix and "
            "/next are additions. Keys that are not known, such as api_key, are ignored.",
            "license": {"name": "MIT"},
        },
        "paths": _paths(limits),
        "components": {"schemas": _schemas(limits)},
    }


def _paths(limits: Limits) -> Schema:
    return {
        "/translate": _post(
            "Translate texts",
            "TranslateRequest",
            _ref("TranslateAnswer"),
            {"q": "Je suis étudiant", "source": "fr", "target": "en"},
        ),
        "/next": _post(
            "What a translation could go on with after a prefix",
            "NextRequest",
            _ref("NextAnswer"),
            {"q": "Je suis étudiant", "source": "fr", "target": "en", "prefix": "I am "},
        ),
        "/detect": _post(
            "Which language a text is in",
            "DetectRequest",
            _list(_ref("Detection")),
            {"q": "Je suis étudiant"},
        ),
        "/languages": _get("The languages, and what each is translated into", _ref("Languages")),
        "/frontend/settings": _get("What a page should know of this server", _ref("Settings")),
        "/health": _get("Whether the process answers", _ref("Status")),
        "/live": _get("Whether the process answers", _ref("Status")),
        "/ready": _get("Whether it can translate", _ref("Status"), {"503": _busy()}),
        "/metrics": {
            "get": {
                "summary": "Counts in the text format of Prometheus",
                "responses": {
                    "200": {
                        "description": "All of them",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    }
                },
            }
        },
        "/spec": _get("This description", {"type": "object"}),
    }


def _schemas(limits: Limits) -> Schema:
    text = {"type": "string", "maxLength": limits.text_characters}
    texts = {"type": "array", "items": text, "maxItems": limits.texts}
    code = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"}
    direction = {
        "source": code | {"description": "The language of the text.", "example": "fr"},
        "target": code | {"description": "The language to translate into.", "example": "en"},
    }
    most = {"type": "integer", "minimum": 0, "maximum": limits.alternatives}
    begun = {
        "type": "string",
        "maxLength": limits.prefix_characters,
        "description": "What the translation begins with.",
    }
    return {
        "TranslateRequest": _object(
            {
                "q": {"oneOf": [text, texts], "description": "A text, or a list of texts."},
                **direction,
                "source": code
                | {
                    "description": f"The language of the text; {AUTO} where that is to be found.",
                    "example": "fr",
                },
                "format": {
                    "type": "string",
                    "enum": ["text", "html"],
                    "default": "text",
                    "description": "With html, tags land around the right words.",
                },
                "alternatives": most
                | {"description": "Translations besides the best; none of html."},
                "details": {
                    "type": "boolean",
                    "default": False,
                    "description": "Whether to tell words, scores and what each word looked at, of "
                    f"at most {limits.details_characters} characters; not for html.",
                },
                "prefix": begun
                | {"description": "What the translation of the one text begins with; no html."},
            },
            required=("q", "source", "target"),
        ),
        "TranslateAnswer": _object(
            {
                "translatedText": _one_or_list({"type": "string"}),
                "alternatives": _list(_one_or_list({"type": "string"})),
                "detectedLanguage": _one_or_list(_ref("Detection")),
                "details": _one_or_list(_ref("Details")),
            },
            required=("translatedText",),
        ),
        "Details": _object(
            {
                "source": _list(_ref("Word")),
                "hypotheses": _list(_ref("Hypothesis")),
            }
        ),
        "Hypothesis": _object(
            {
                "text": {"type": "string"},
                "score": {"type": "number", "description": "What it was ranked by."},
                "log_probability": {"type": "number"},
                "words": _list(_ref("TranslatedWord")),
            }
        ),
        "Word": _object(_word()),
        "TranslatedWord": _object(
            _word()
            | {
                "source": _list({"type": "number"})
                | {
                    "nullable": True,
                    "description": "What share of its looks each word of the text got, together at "
                    "most 1; null where the model has no attention.",
                }
            }
        ),
        "NextRequest": _object(
            {
                "q": text | {"description": "The text."},
                **direction,
                "prefix": begun,
                "count": most | {"default": 5, "description": "How many words, at most."},
            },
            required=("q", "source", "target"),
        ),
        "NextAnswer": _object(
            {
                "next": _list(
                    _object(
                        {
                            "word": {
                                "type": "string",
                                "description": "Empty where the translation ends.",
                            },
                            "probability": {"type": "number", "minimum": 0, "maximum": 1},
                        }
                    )
                )
            }
        ),
        "DetectRequest": _object({"q": text | {"description": "The text."}}),
        "Detection": _object(
            {
                "language": {"type": "string"},
                "confidence": {"type": "number", "minimum": 0, "maximum": 100},
            }
        ),
        "Languages": _list(
            _object(
                {
                    "code": {"type": "string"},
                    "name": {"type": "string"},
                    "targets": _list({"type": "string"}),
                }
            )
        ),
        "Settings": {"type": "object"},
        "Status": _object({"status": {"type": "string"}}),
        "Error": _object({"error": {"type": "string", "description": "One line."}}),
    }


def _word() -> Schema:
    place = {"type": "integer", "minimum": 0, "description": "In code points."}
    return {"text": {"type": "string"}, "start": place, "end": place}


def _object(properties: Mapping[str, Schema], required: tuple[str, ...] | None = None) -> Schema:
    """An object; all its properties are required, where none are named, and others may be null."""
    names = list(properties if required is None else required)
    schemas = {
        name: schema if name in names else _or_null(schema) for name, schema in properties.items()
    }
    return {"type": "object", "properties": schemas, "required": names}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_or_list(schema: Schema) -> Schema:
    return {"oneOf": [schema, _list(schema)]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(summary: str, schema: Schema, others: Mapping[str, Schema] | None = None) -> Schema:
    return {"get": {"summary": summary, "responses": {"200": _answer(schema), **(others or {})}}}


def _post(summary: str, request: str, answer: Schema, example: Schema) -> Schema:
    content = {"schema": _ref(request), "example": example}
    return {
        "post": {
            "summary": summary,
            "requestBody": {
                "required": True,
                "content": {JSON_TYPE: content, FORM_TYPE: {"schema": _ref(request)}},
            },
            "responses": {
                "200": _answer(answer),
                "400": _error("A field is missing, wrong or too large, or no model does this."),
                "408": _error("The body did not come in time."),
                "413": _error("The body is too large."),
                "415": _error("The body is neither JSON nor a form."),
                "503": _busy(),
            },
        }
    }


def _answer(schema: Schema) -> Schema:
    return {"description": "Done", "content": {JSON_TYPE: {"schema": schema}}}


def _error(description: str) -> Schema:
    return {"description": description, "content": {JSON_TYPE: {"schema": _ref("Error")}}}


def _busy() -> Schema:
    wait = {"schema": {"type": "integer"}, "description": "Seconds."}
    return _error("Too much to do: try again.") | {"headers": {"Retry-After": wait}}


def _or_null(schema: Schema) -> Schema:
    """A schema that null meets, too: where values are listed, it has to be among them."""
    listed = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"nullable": True} | listed
