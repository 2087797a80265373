"""The one search over many parts of texts: in batches of like length, and again where it failed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from nmt.config import SearchConfig
from nmt.data.batches import Batch, make_batch
from nmt.search.constraints import Constrained, Constraints
from nmt.search.forced import Dictated, dictate
from nmt.search.repetition import has_loop
from nmt.search.search import Hypothesis, search
from nmt.text.tokenizer import Tokenizer
from nmt.translator.loading import LoadedModel
from nmt.translator.protected import lost_numbers
from nmt.translator.segments import Part

ROWS_PER_BATCH = 320
"""Hypotheses followed at a time, of all sentences of a batch: 64 sentences with a beam of 5."""
SENTENCES_PER_BATCH = 64
FEWEST_SENTENCES = 8
"""Sentences that are not divided among threads."""
TOKENS_PER_BATCH = 4096
"""Source tokens of a batch, padding included."""
NO_REPEAT = 3
"""Of the search for another translation where one went wrong; that of the options if stricter."""

Found = list[list[Hypothesis]]
"""The hypotheses of each part, best first."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class BatchedSearch:
    """Searches for translations of parts of texts.

    Attributes:
        model: With what.
        options: How.
    """

    model: LoadedModel
    options: SearchConfig

    def find(self, parts: Sequence[Part], bounds: Sequence[Constraints] | None) -> Found:
        """The hypotheses of each part, in order; none for one to be copied.

        Args:
            parts: Of all texts.
            bounds: What the translation of each part has to be like, if that is anything at all.

        Raises:
            SearchError: See `nmt.search.search.search`.
        """
        found = self._search(parts, self.options, bounds)
        if self.options.sample or not self.options.robust:
            return found
        bounds = [Constraints()] * len(parts) if bounds is None else bounds
        again = {}
        for number, (part, hypotheses, bound) in enumerate(zip(parts, found, bounds, strict=True)):
            may_lose = self.options.numbers == "free" or bound != Constraints()
            lost = [] if may_lose else self._lost(part, hypotheses)
            if lost or (hypotheses and self._fails(part, hypotheses[0])):
                again[number] = replace(bound, required=(*bound.required, *lost))
        if again:
            better = self._search_again([parts[i] for i in again], list(again.values()))
            for number, hypotheses in zip(again, better, strict=True):
                is_free = bounds[number] == Constraints()
                if hypotheses or (is_free and self._fails(parts[number], found[number][0])):
                    found[number] = hypotheses
        return found

    def score(self, sources: Sequence[list[int]], targets: Sequence[list[int]]) -> list[Dictated]:
        """Given translations, scored as the search scores its own.

        Args:
            sources: The subwords of each text, without the end of sentence.
            targets: Of its translation, likewise.

        Raises:
            SearchError: See `nmt.search.forced.dictate`.
        """
        stepper = self.model.stepper_for(self.options)

        def score(rows: list[int]) -> list[Dictated]:
            batch = _batch([sources[row] for row in rows])
            given = [targets[row] for row in rows]
            return dictate(stepper, batch.source, batch.source_lengths, given, self.options)

        lengths = [max(map(len, pair)) + 1 for pair in zip(sources, targets, strict=True)]
        batches = _batches(lengths, 1, self.model.threads)
        return [scored for _, scored in sorted(self._in_batches(batches, score).items())]

    @property
    def _tokenizer(self) -> Tokenizer:
        return self.model.tokenizers.target

    def _search_again(self, parts: Sequence[Part], bounds: Sequence[Constraints]) -> Found:
        """Those hypotheses of another search that have not failed."""
        options = self.options
        no_repeat = min(options.no_repeat or NO_REPEAT, NO_REPEAT)
        careful = options.model_copy(
            update={"no_repeat": no_repeat, "diversity_groups": 1, "n_best": options.beam}
        )
        found = self._search(parts, careful, bounds)
        return [
            [replace(one, is_second=True) for one in hypotheses if not self._fails(part, one)][
                : options.n_best
            ]
            for part, hypotheses in zip(parts, found, strict=True)
        ]

    def _lost(self, part: Part, found: list[Hypothesis]) -> list[tuple[int, ...]]:
        """The subwords of the numbers of a part that its best hypothesis does not have."""
        if not found or not any(map(str.isdigit, part.reading.read)):
            return []
        translation = self._tokenizer.decode(found[0].tokens)
        numbers = lost_numbers(part.reading.read, translation)
        return [tuple(self._tokenizer.encode(number)) for number in numbers]

    def _fails(self, part: Part, hypothesis: Hypothesis) -> bool:
        """Whether a hypothesis is none: it is empty, repeats itself, or was cut off."""
        tokens = hypothesis.tokens
        if not hypothesis.is_complete or (has_loop(tokens) and not has_loop(part.ids)):
            return True
        return self._tokenizer.spells_nothing(tokens)

    def _search(
        self, parts: Sequence[Part], options: SearchConfig, bounds: Sequence[Constraints] | None
    ) -> Found:
        """The hypotheses of each part, in order; none for one without subwords."""
        stepper = self.model.stepper_for(options)
        constrained = None
        if bounds is not None:
            tokenizer = self._tokenizer
            constrained = Constrained(tuple(bounds), tokenizer.goes_on, tokenizer.opens_word)

        def find(rows: list[int]) -> Found:
            batch = _batch([parts[row].ids for row in rows])
            bound = None if constrained is None else constrained.only(rows)
            return search(stepper, batch.source, batch.source_lengths, options, bound)

        rows = [row for row, part in enumerate(parts) if part.ids]
        width = options.n_best if options.sample else options.beam
        lengths = [len(parts[row].ids) + 1 for row in rows]
        batches = _batches(lengths, width, self.model.threads)
        found = self._in_batches([[rows[i] for i in batch] for batch in batches], find)
        return [found.get(row, []) for row in range(len(parts))]

    def _in_batches(
        self, batches: list[list[int]], work: Callable[[list[int]], list[Result]]
    ) -> dict[int, Result]:
        """What comes of each row of each batch, of some batches at a time where there are threads.

        Args:
            batches: Rows.
            work: Gives a result for each row of a batch.
        """
        threads = self.model.threads
        if min(len(batches), threads) < 2:
            results = list(map(work, batches))
        else:
            # Imported here because it brings logging along, and a single sentence is for the quick.
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(threads) as pool:
                results = list(pool.map(work, batches))
        pairs = zip(batches, results, strict=True)
        return {row: one for rows, found in pairs for row, one in zip(rows, found, strict=True)}


def _batch(sources: list[list[int]]) -> Batch:
    """Sources as the search takes them."""
    arrays = [np.array(source, dtype=np.int64) for source in sources]
    return make_batch(arrays, [array[:0] for array in arrays])


def _batches(lengths: list[int], width: int, threads: int) -> list[list[int]]:
    """Rows of each batch, longest first, so that what does not fit shows at once.

    Args:
        lengths: Tokens of each sentence.
        width: How many hypotheses each sentence needs.
        threads: Batches that are translated at a time: few sentences are shared out among them.
    """
    share = max(FEWEST_SENTENCES, -(-len(lengths) // threads))
    most = max(1, min(SENTENCES_PER_BATCH, ROWS_PER_BATCH // width, share))
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    batches = []
    start = 0
    while start < len(order):
        fitting = max(1, min(most, TOKENS_PER_BATCH // lengths[order[start]]))
        batches.append(order[start : start + fitting])
        start += fitting
    return batches
