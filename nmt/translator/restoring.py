"""What was taken out of a sentence goes back into its translation, in a sensible place."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from nmt.search.alignment import Alignment, Unit
from nmt.text.words import is_word_character
from nmt.translator.protected import Reading, starts_of


def restored(
    reading: Reading, alignment: Alignment, begins_word: bool = True, prefix: str = ""
) -> Alignment:
    """The alignment of a text and its whole translation.

    Args:
        reading: Of the text.
        alignment: Of what was read and its translation.
        begins_word: Whether the text does.
        prefix: What the whole translation begins with; see `begun_by`.

    Returns:
        The same with the text's own characters and capitals, and with what was taken out.
    """
    starts = starts_of(reading.read, [unit.text for unit in alignment.source_units])
    read_at = [reading.places[start] for start in starts]
    beginnings = sorted([*read_at, *(start for start, _ in reading.spans)])
    column_of = {start: column for column, start in enumerate(beginnings)}
    bounds = pairwise([0, *beginnings[1:], len(reading.text)])
    source = [
        Unit(
            reading.text[start:end].strip(),
            reading.text[start - 1].isspace() if start else begins_word,
            bisect_left(read_at, beginning),
        )
        for beginning, (start, end) in zip(beginnings, bounds, strict=True)
    ]
    looks = np.zeros((len(alignment.target_units), len(source)), dtype=np.float32)
    looks[:, [column_of[start] for start in read_at]] = alignment.weights
    places = [_place(alignment, read_at, start) for start, _ in reading.spans]
    if prefix:
        places = _places_beside(prefix, reading, alignment.target_units, places)
    target: list[Unit] = []
    weights = []
    pieces = []  # what was put back counts as one, which looked at itself
    for number, unit in enumerate((*alignment.target_units, None)):
        for place, (start, end) in zip(places, reading.spans, strict=True):
            if place == number:
                column = column_of[start]
                opens_word = source[column].opens_word or not target
                first_piece = number if unit is None else unit.first_piece
                target.append(Unit(reading.text[start:end], opens_word, first_piece))
                weights.append(np.eye(1, len(source), column, dtype=np.float32)[0])
                pieces.append(1)
        if unit is not None:
            text = unit.text.upper() if reading.is_shouted else unit.text
            target.append(replace(unit, text=text))
            weights.append(looks[number])
            pieces.append(alignment.target_pieces[number])
    shape = len(target), len(source)
    looked = np.array(weights, dtype=np.float32).reshape(shape)
    return Alignment(tuple(source), tuple(target), looked, tuple(pieces))


def copied(text: str, begins_word: bool = True) -> Alignment:
    """The alignment of a text with itself.

    Args:
        text: Normalised, not empty.
        begins_word: Whether it does.
    """
    words = tuple(
        Unit(word, begins_word or number > 0, 0) for number, word in enumerate(text.split())
    )
    return Alignment(words, words, np.eye(len(words), dtype=np.float32), (1,) * len(words))


def without_spans(reading: Reading, translation: str) -> str:
    """What the model has written of a translation that `restored` gave.

    Capitals stay: which of them the model wrote small is not known. Of two that are alike the first
    is taken out.
    """
    for start, end in reading.spans:
        before, found, after = translation.partition(reading.text[start:end])
        if found:
            joins = bool(after) and not is_word_character(after[0])
            translation = before.rstrip() + after if joins else f"{before} {after}"
    return translation


def completed(reading: Reading, prefix: str) -> str:
    """A prefix that ends within something that is put back, with all of that; else itself.

    Args:
        reading: Of the text.
        prefix: What the whole translation begins with.
    """
    *_, last = prefix.split(" ")
    if not last or last.isalpha():  # which may be any word
        return prefix
    spans = (reading.text[start:end] for start, end in reading.spans)
    whole = next((span for span in spans if span.startswith(last)), last)
    return prefix.removesuffix(last) + whole


def begun_by(reading: Reading, prefix: str) -> str | None:
    """What the model is to begin with, so that the translation that `restored` gives has a prefix.

    Args:
        reading: Of the text.
        prefix: What the whole translation begins with, `completed`.

    Returns:
        The prefix without what is put back; None where that cannot be told, for the model writes
        nothing, or small letters for capitals.
    """
    if not reading.changes:
        return prefix
    if not reading.read or reading.is_shouted:
        return None
    begun = without_spans(reading, prefix).strip()
    return f"{begun} " if begun and prefix[-1:].isspace() else begun


def _place(alignment: Alignment, read_at: Sequence[int], start: int) -> int:
    """Before which unit of the translation a span goes.

    Args:
        alignment: Of what was read and its translation.
        read_at: Where in the text each unit of what was read begins.
        start: Where in the text the span does.
    """
    source, target = alignment.source_units, alignment.target_units
    following = [unit for unit, place in enumerate(read_at) if place > start]
    if len(following) == len(read_at):
        return 0
    end = len(target)
    if following:
        while end and not _is_word(target[end - 1]):
            end -= 1
    first: dict[int, int] = {}
    for number, weights in enumerate(alignment.weights):
        if weights.any():
            first.setdefault(int(weights.argmax()), number)
    words = (unit for unit in following if _is_word(source[unit]))
    place = next((first[unit] for unit in words if unit in first), end)
    while place < end and not target[place].opens_word:  # not into a word
        place += 1
    return place


def _places_beside(
    prefix: str, reading: Reading, target: Sequence[Unit], places: Sequence[int]
) -> list[int]:
    """Before which unit of the translation each span goes, where it begins with a prefix.

    Args:
        prefix: What the whole translation begins with.
        reading: Of the text.
        target: The units of the translation.
        places: Where the spans would go without it.
    """
    first_free = _units_of(without_spans(reading, prefix), target)
    found: list[int] = []
    ends: dict[str, int] = {}
    for place, (start, end) in zip(places, reading.spans, strict=True):
        span = reading.text[start:end]
        at = prefix.find(span, ends.get(span, 0))
        if at < 0:
            place = max(place, first_free)
        else:
            ends[span] = at + len(span)
            place = _units_of(without_spans(reading, prefix[:at]), target)
        found.append(place)
    return found


def _units_of(text: str, target: Sequence[Unit]) -> int:
    """How many units a translation takes to spell a text that it begins with."""
    left = len("".join(text.split()))
    count = 0
    while left > 0 and count < len(target):
        left -= len("".join(target[count].text.split()))
        count += 1
    return count


def _is_word(unit: Unit) -> bool:
    return any(map(is_word_character, unit.text))
