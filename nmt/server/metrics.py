"""What the server counts, in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/ has the format. All is counted in the
event loop, so that nothing is locked.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SENTENCES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class Histogram:
    """How often a measurement was at most so large.

    Args:
        bounds: The sizes, ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def note(self, value: float) -> None:
        """Count a measurement."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: Mapping[str, str]) -> Iterator[str]:
        """Its lines of the text format."""
        total = 0
        for bound, count in zip([*self._bounds, "+Inf"], self._counts, strict=True):
            total += count
            yield _line(f"{name}_bucket", {**labels, "le": str(bound)}, total)
        yield _line(f"{name}_sum", labels, self._sum)
        yield _line(f"{name}_count", labels, total)


class Metrics:
    """All that is counted."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, Histogram] = {}
        self._batch_seconds = Histogram(SECONDS)
        self._batch_sentences = Histogram(SENTENCES)
        self._characters = 0
        self.in_progress = 0
        self.waiting: Callable[[], int] = lambda: 0

    def note_request(self, method: str, path: str, status: int, elapsed_s: float) -> None:
        """Count a request that was answered.

        Args:
            method: Of HTTP.
            path: The pattern of its route, so that there are few.
            status: Of the answer.
            elapsed_s: From its head to the end of the answer.
        """
        self._requests[method, path, status] += 1
        self._seconds.setdefault(path, Histogram(SECONDS)).note(elapsed_s)

    def note_batch(self, sentences: int, elapsed_s: float) -> None:
        """Count sentences that were done together."""
        self._batch_sentences.note(sentences)
        self._batch_seconds.note(elapsed_s)

    def note_characters(self, characters: int) -> None:
        """Count what is to be translated."""
        self._characters += characters

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("nmt_requests_total", "counter", "Requests answered.")
        for (method, path, status), number in sorted(self._requests.items()):
            labels = {"method": method, "path": path, "status": str(status)}
            yield _line("nmt_requests_total", labels, number)
        yield from _head("nmt_request_seconds", "histogram", "From a request to its answer.")
        for path, histogram in sorted(self._seconds.items()):
            yield from histogram.lines("nmt_request_seconds", {"path": path})
        yield from _head("nmt_batch_seconds", "histogram", "Work on sentences done together.")
        yield from self._batch_seconds.lines("nmt_batch_seconds", {})
        yield from _head("nmt_batch_sentences", "histogram", "Sentences done together.")
        yield from self._batch_sentences.lines("nmt_batch_sentences", {})
        for name, kind, help_text, value in (
            ("nmt_characters_total", "counter", "Characters to translate.", self._characters),
            ("nmt_requests_in_progress", "gauge", "Requests not answered yet.", self.in_progress),
            ("nmt_sentences_waiting", "gauge", "Sentences not begun yet.", self.waiting()),
        ):
            yield from _head(name, kind, help_text)
            yield _line(name, {}, value)


def _head(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    pairs = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"
