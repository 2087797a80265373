"""What a request is answered that is not done, or not now."""

GONE = 499
"""What is noted of a client that closed the connection and so gets no answer, as nginx does."""


class Refused(Exception):
    """A request that is not done.

    Attributes:
        status: The HTTP status.
        reason: One line for who sent it.
        retry_after_s: Seconds after which it may be tried again; None where that does not help.
    """

    def __init__(self, status: int, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = " ".join(reason.split())
        self.retry_after_s = retry_after_s
