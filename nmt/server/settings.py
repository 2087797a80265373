"""What the server may be told: the limits on what it takes, and where it listens."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one request may ask for, and what may wait.

    Attributes:
        body_bytes: Of a request's body.
        text_characters: Of one text.
        prefix_characters: Of the beginning of a translation, which is forced word by word.
        texts: In one list.
        details_characters: Of all texts, where details are asked for.
        alternatives: Asked for beside the best translation, or next words.
        sentences: Of all texts of a request.
        waiting: Requests that wait for a model; beyond it the client with most is refused.
        deadline_s: Seconds after which a request is given up.
        client_s: Seconds in which the head of a request must have come, and then its body.
        connections: That are open at a time; beyond it those that ask for nothing are closed first.
    """

    body_bytes: int = 200_000
    text_characters: int = 5_000
    prefix_characters: int = 1_000
    texts: int = 100
    details_characters: int = 2_000
    alternatives: int = 20
    sentences: int = 1_000
    waiting: int = 256
    deadline_s: float = 30.0
    client_s: float = 10.0
    connections: int = 900


@dataclass(frozen=True)
class Settings:
    """How a server is run.

    Attributes:
        host: The address it listens at.
        port: 0 for any that is free.
        hosts: Names that requests may use for it, besides addresses and ``localhost``.
        proxies: Addresses or networks of proxies whose X-Forwarded-For names the client.
        limits: What a request may ask for.
        threads: Batches that are translated at a time; None for one for each core.
        logs_requests: Whether each request is a line on standard error, without its texts.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    hosts: Sequence[str] = ()
    proxies: Sequence[str] = ()
    limits: Limits = Limits()
    threads: int | None = None
    logs_requests: bool = False
