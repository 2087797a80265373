"""Answers in JSON."""

import json
from typing import Any

from starlette.responses import Response

from nmt.server.refusals import Refused

ESCAPED = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
"""What no answer holds as it is: whatever takes JSON for HTML finds no tag in it."""


def json_answer(value: Any, status: int = 200) -> Response:
    """An answer with a value."""
    body = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    for character, escape in ESCAPED:
        body = body.replace(character, escape)
    return Response(body, status, media_type="application/json")


def refusal(refused: Refused) -> Response:
    """The answer to a request that is not done."""
    answer = json_answer({"error": refused.reason}, refused.status)
    if refused.retry_after_s is not None:
        answer.headers["retry-after"] = str(refused.retry_after_s)
    if refused.status in (408, 413):
        answer.headers["connection"] = "close"  # for there may be more of the body
    return answer
