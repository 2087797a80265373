"""Connections that do not wait for slow clients for ever, nor for too many.

uvicorn ends a connection that idles between two requests; this ends one whose first head, or whose
next one, is not there in time, and one that does not take its answer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from nmt.server.settings import Limits


def protocol_of(limits: Limits) -> type[asyncio.Protocol]:
    """How uvicorn is to talk to clients."""

    class PatientProtocol(H11Protocol):
        """A connection with a client, which has so much time for each head and no more."""

        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                transport.abort()
            self._wait()

        def data_received(self, data: bytes) -> None:
            cycle = self.cycle
            super().data_received(data)
            if self.cycle is not cycle:
                self._stop_waiting()
            elif self._waiting is None and (cycle is None or cycle.response_complete):
                self._wait()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            # The beginning of the next head may have come with this one.
            if self.cycle.response_complete and self.conn.trailing_data[0]:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            self._unset_keepalive_if_required()
            super().connection_lost(exc)

        def timeout_keep_alive_handler(self) -> None:
            # An answer that the client has not taken by now would keep the connection open.
            self.transport.abort()

        def _wait(self) -> None:
            self._waiting = self.loop.call_later(limits.client_s, self.transport.abort)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return PatientProtocol
