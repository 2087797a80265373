"""Whatever a line holds, it has a translation, an alignment and a place in JSON."""

import json
import random
from pathlib import Path

import pytest

import nmt
from nmt.config import SearchConfig
from nmt.errors import SearchError
from nmt.search.alignment import MOST_WEIGHTS, Alignment, Unit, join

pytestmark = pytest.mark.slow

MODEL = Path(__file__).parents[2] / "checkpoints" / "fr-en"
PIECES = [
    *("abcdefg hijklmnop qrstuvwxyz", "éèàùçœæ ÉÀ", "0123456789.,:/-% ", '!?.;:…"«»()[]{}<>@#&_'),
    *("+-*=^~|\\$€£", "\u0301\u0316\u200d\ufe0f\u00ad\u202e\u2028\u0085\x1b\x07\t", "😀👧🇫🇷"),
    *(
        "\u6211\u4f60\u3002\u0e01\u1000",
        "\U00010330\U0001d518\u211aⅧ½²",
        "\ue000\ufffe\U000e0001\u1cd0",
    ),
    "Le chat dort. Je suis étudiant ! M. Dupont 3 < 4 https://a.b/c x@y.z",
]
LINES = ["\U000dfb5a\u24a0\x0bW", "\U00047722\u2105", "\U000f2efe\u24ac", "\u0301", "\u00ad", ""]


def fuzzed_line(draw: random.Random) -> str:
    line = ""
    for _ in range(draw.choice([0, 1, 2, 3, 5, 8])):
        piece = draw.choice(PIECES)
        whole = draw.random() < 0.2
        line += " ".join(draw.sample(piece.split(" "), 1)) if whole else draw.choice(piece) * 2
    return line


@pytest.mark.parametrize("robust", [True, False])
def test_every_line_is_translated_and_aligned(robust: bool) -> None:
    draw = random.Random(5)
    lines = LINES + [fuzzed_line(draw) for _ in range(300)]
    translator = nmt.load(MODEL, options=SearchConfig(beam=2, robust=robust))
    found = translator.translate(lines, align=True)
    assert len(found) == len(lines)
    for each in found:
        json.dumps(each.as_dict())


def test_a_text_whose_alignment_would_take_gigabytes_is_refused() -> None:
    words = tuple(Unit("a", True, 0) for _ in range(1 + int(MOST_WEIGHTS**0.5)))
    side = Alignment(words, (), None, ())  # type: ignore[arg-type]
    other = Alignment((), words, None, (1,) * len(words))  # type: ignore[arg-type]
    with pytest.raises(SearchError, match="too long to say which of its words belong together"):
        join([side, other])
