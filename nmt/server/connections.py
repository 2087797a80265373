"""Connections that do not wait for slow clients for ever, nor for too many.

uvicorn ends a connection that idles between two requests; this ends one whose first head, or whose
next one, is not there in time, and one that does not take its answer. Where there are too many, one
that asks for nothing is closed for a new one, of the client that has most of them; where all ask
for something, the new one is turned away with an answer.
"""

import asyncio
from collections import Counter
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from nmt.server.settings import Limits

MOST_TURNED_AWAY = 64
"""Connections too many that are answered at a time; more are closed without a word."""
READING_S = 1.0
"""In which a client has to read that it is turned away."""
_BODY = b'{"error":"too many connections: try again"}'
FULL = b"\r\n".join(
    (
        b"HTTP/1.1 503 Service Unavailable",
        b"content-type: application/json",
        b"content-length: %d" % len(_BODY),
        b"retry-after: 1",
        b"connection: close",
        b"",
        _BODY,
    )
)
"""What a connection too many is answered, whatever it is going to ask."""


class PatientProtocol(H11Protocol):
    """A connection with a client, which has so much time for each head and no more."""

    limits: ClassVar[Limits]
    opened: "ClassVar[dict[PatientProtocol, None]]"
    """All that are open but those turned away, the oldest first."""
    turned_away: "ClassVar[set[PatientProtocol]]"
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the client its time, if there is room for it."""
        super().connection_made(transport)
        self.opened[self] = None
        self._wait()
        if len(self.connections) > self.limits.connections:
            self._make_room()

    @property
    def _asks(self) -> bool:
        """Whether a request is there, whole, and not answered yet."""
        cycle = self.cycle
        return cycle is not None and not (cycle.response_complete or cycle.more_body)

    def _make_room(self) -> None:
        """Close the oldest connection that asks for nothing, or turn this one away."""
        idle = [each for each in self.opened if not each._asks and each is not self]
        if not idle:
            self._turn_away()
            return
        counts = Counter(each._address for each in idle)
        closed = max(idle, key=lambda each: counts[each._address])
        del self.opened[closed]
        self.connections.discard(closed)
        closed.transport.abort()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _turn_away(self) -> None:
        """Answer before anything is asked, and leave the client some time to read that."""
        del self.opened[self]
        self.connections.discard(self)
        self._stop_waiting()
        if len(self.turned_away) >= MOST_TURNED_AWAY:
            self.transport.abort()
            return
        self.turned_away.add(self)
        self.transport.write(FULL)
        self.transport.write_eof()
        self._waiting = self.loop.call_later(READING_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        """Stop the time once a head is whole, or give the next one its own."""
        if self in self.turned_away:
            return
        cycle = self.cycle
        super().data_received(data)
        if self.cycle is not cycle:
            self._stop_waiting()
        elif self._waiting is None and (cycle is None or cycle.response_complete):
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Answer that the rest of a request is no HTTP; what is still answered to it is dropped."""
        super().send_400_response(msg)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Give the next request its time."""
        super().on_response_complete()
        # The beginning of the next head may have come with this one.
        if self.cycle.response_complete and self.conn.trailing_data[0]:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self.turned_away.discard(self)
        self.opened.pop(self, None)
        self._stop_waiting()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that idles."""
        # An answer that the client has not taken by now would keep the connection open.
        self.transport.abort()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.limits.client_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def protocol_of(limits: Limits) -> type[PatientProtocol]:
    """How uvicorn is to talk to clients."""
    own = {"limits": limits, "opened": {}, "turned_away": set()}
    return type("PatientProtocol", (PatientProtocol,), own)
