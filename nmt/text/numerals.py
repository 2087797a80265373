"""Numbers that are written in other ways than with the digits 0 to 9."""

import re
import unicodedata
from collections.abc import Sequence

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: value for value, word in enumerate(_SMALL.split())},
    **{word: value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)},
    **{"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9},
    **{sign: int(unicodedata.numeric(sign)) for sign in "〇零一二三四五六七八九十百千万萬亿億"},
    **{"两": 2, "兩": 2},
}
_POWERS = {10**exponent for exponent in range(1, 10)}
_WORDS = "|".join(sorted(filter(str.isascii, _VALUES), key=len, reverse=True))
_CHARACTERS = "".join(word for word in _VALUES if not word.isascii())
_PART = re.compile(rf"[0-9]{{1,15}}|[{_CHARACTERS}]|(?<![a-z])(?:{_WORDS})(?![a-z])")
_BETWEEN = r"(?:[\s-]+(?:and\s+)?)?"
_RUN = re.compile(rf"(?:{_PART.pattern})(?:{_BETWEEN}(?:{_PART.pattern}))*")


def plain_digits(text: str) -> str:
    """A text whose decimal digits of any script are 0 to 9, each in its place."""
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def spelled_numbers(text: str) -> set[str]:
    """The numbers that a text spells in Chinese numerals or in English words, in digits.

    Such are ``三百五十``, ``1万``, ``一九七九``, ``three hundred and fifty`` and ``nineteen
    eighty-four``; where there are two ways to read one, both are among them.
    """
    runs = (_PART.findall(run[0]) for run in _RUN.finditer(plain_digits(text).lower()))
    values = ([_VALUES[part] if part in _VALUES else int(part) for part in parts] for parts in runs)
    return {reading for run in values for reading in _readings(run)}


def _readings(values: Sequence[int]) -> set[str]:
    """What the parts of a number are together: 3, 100 and 50 are 350, and 19 and 84 are 1984."""
    parts: list[int] = []  # ever smaller, to be added up
    for value in values:
        factor = 0
        while value in _POWERS and parts and parts[-1] < value:
            factor += parts.pop()
        parts.append((factor or 1) * value)
    return {str(sum(parts)), "".join(map(str, values)), f"{values[0]}{sum(parts[1:])}"}
