"""The server as a process: where it listens, and how it ends."""

import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from uvicorn import Config, Server

from nmt.errors import ServerError
from nmt.runs.directory import RunDirectory
from nmt.server.app import make_app
from nmt.server.connections import protocol_of
from nmt.server.models import Models
from nmt.server.settings import Settings
from nmt.text.language_id import Detector

BACKLOG = 1_024
KEEP_ALIVE_S = 60
"""Seconds for which a connection may idle between two requests."""
SWITCH_S = 0.001
"""For which a thread that translates may keep the one that answers waiting."""
LAST_ANSWERS_S = 5
"""Seconds beyond the deadline in which the last answers are sent."""


def serve(runs: Sequence[RunDirectory], settings: Settings) -> None:
    """Serve exported runs until a signal ends it; what was accepted by then is finished.

    Where it runs without a terminal, SIGHUP has it read the runs once more and take over what they
    are by then.

    Args:
        runs: At least one.
        settings: How.

    Raises:
        ServerError: It cannot listen there, or a run is not exported.
        RunError: A run is damaged.
    """
    listening = _listen(settings)
    models = Models.load(runs)
    app = make_app(models, Detector(models.codes), settings)
    server = Server(
        Config(
            app,
            http=protocol_of(settings.limits),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(settings.limits.deadline_s) + LAST_ANSWERS_S,
        )
    )
    # A terminal that is closed sends it as well, and is to end the server.
    if hasattr(signal, "SIGHUP") and not sys.stderr.isatty():
        lock = threading.Lock()
        signal.signal(
            signal.SIGHUP,
            lambda number, frame: threading.Thread(
                target=_reload, args=(models, runs, lock)
            ).start(),
        )
    # uvicorn raises the signal that ended it once more when it is done, for who was there before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    gc.freeze()  # the models stay
    sys.setswitchinterval(SWITCH_S)
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    print(f"serving at http://{name}:{port} (end with Ctrl-C)", file=sys.stderr, flush=True)
    server.run([listening])


def _reload(models: Models, runs: Sequence[RunDirectory], lock: threading.Lock) -> None:
    """Read the runs once more, and translate with what they are now, unless they are damaged."""
    with lock:
        try:
            models.take_over(Models.load(runs))
            print("the models are read anew", file=sys.stderr, flush=True)
        except Exception as error:  # whatever it is, the old models work
            print(f"goes on with the models of before: {error}", file=sys.stderr, flush=True)


def _listen(settings: Settings) -> socket.socket:
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ServerError(
            f"{settings.host}, port {settings.port}: cannot listen here: "
            f"{os.strerror(error.errno) if error.errno else error}: name another --host or --port"
        ) from error
    # Else the body of an answer waits until the client has said that it has the head: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
