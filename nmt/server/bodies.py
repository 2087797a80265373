"""The body of a request: read in time and up to a size, and taken for what its type says."""

import asyncio
from collections.abc import AsyncGenerator

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from nmt.server.reading import MOST_FIELDS, Fields, fields_of, read_form, read_json
from nmt.server.refusals import GONE, Refused
from nmt.server.settings import Limits

MOST_DRAINED = 20
"""How many times larger than allowed a body may be that is read to its end before it is refused."""
FORM_TYPES = ("", "application/x-www-form-urlencoded")


async def read_fields(request: Request, limits: Limits) -> Fields:
    """What a request says: in its body or, where that is empty, in its query.

    Raises:
        Refused: It is too large, too slow or not what it says that it is, or the client has gone.
    """
    body = await _read_body(request, limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return read_json(body)
    if kind == "multipart/form-data":
        return await _read_multipart(request, body)
    if kind in FORM_TYPES and (kind or not body):
        return read_form(body or request.scope["query_string"])
    raise Refused(
        415, "the body is of an unknown type: send application/json, or a form with its type"
    )


async def _read_body(request: Request, limits: Limits) -> bytes:
    too_large = Refused(413, f"the body is too large: send at most {limits.body_bytes} bytes")
    announced = int(request.headers.get("content-length", "0"))
    if announced > limits.body_bytes and "expect" in request.headers:
        raise too_large  # the client waits to hear it
    body = b""
    size = 0
    try:
        async with asyncio.timeout(limits.client_s):
            async for part in request.stream():
                size += len(part)
                # A client that is cut off while it sends may never read why.
                if max(size, announced) > MOST_DRAINED * limits.body_bytes:
                    raise too_large
                if size <= limits.body_bytes:
                    body += part
    except TimeoutError:
        raise Refused(408, "the body did not come in time") from None
    except ClientDisconnect:
        raise Refused(GONE, "the client has gone") from None
    if size > limits.body_bytes:
        raise too_large
    return body


async def _read_multipart(request: Request, body: bytes) -> Fields:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MOST_FIELDS)
    try:
        body.decode()
        form = await parser.parse()
    except UnicodeError:  # of the body, or of what the form says that it is in instead
        raise Refused(400, "the form is not in UTF-8") from None
    except (MultiPartException, KeyError):
        raise Refused(400, "the form is not multipart/form-data without files") from None
    return fields_of([(name, str(value)) for name, value in form.multi_items()])
