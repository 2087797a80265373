"""Everything that reads text takes time in proportion to its length, whatever the text is.

What is measured is processor time, of a text and of one four times as long: a busy machine makes
neither longer.
"""

import gc
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nmt.search.alignment import Alignment, Unit
from nmt.text.normalise import normalise
from nmt.text.sentences import sentences_of, split_text
from nmt.text.tokenizer import Tokenizer
from nmt.text.words import words_and_marks
from nmt.translator.glossary import MOST_WORDS, Glossary
from nmt.translator.markup.placing import Sentence
from nmt.translator.markup.reading import read_markup
from nmt.translator.protected import lost_numbers, reading_of

LENGTH = 6_000
TIMES = 4
FREE_S = 0.03
"""Seconds that count for nothing, such as those of a first call."""
MOST = 1.7 * TIMES

TOKENIZER = Tokenizer.load(Path(__file__).parents[1] / "checkpoints" / "fr-en" / "joint.model")
TERMS = Glossary.of({"a " * (MOST_WORDS - 1) + "b": "x", "chat": "cat", "@": "at"})

PATTERNS = {
    "a letter": "a",
    "capitals": "AB ",
    "Gothic letters": "\U00010330",
    "Gothic words": "\U00010330\U00010331 ",
    "Chinese": "\u6211",
    "Chinese and signs": "\u6211@",
    "accents": "\u0301",
    "accents of two kinds": "\u0301\u0316",
    "letters with accents": "e\u0301\u0316",
    "emoji": "\U0001f600 ",
    "emoji and words": "\U0001f600 chat ",
    "joined emoji": "\U0001f468\u200d",
    "signs": "@",
    "a sign and a letter": "a@",
    "mail": "a@b.c ",
    "half a mail": "a.-+",
    "the web": "http://",
    "the web and dots": "http://a...",
    "digits": "1",
    "dates": "1.",
    "thousands": "123 ",
    "hashes": "#1",
    "words joined": "a_b&",
    "sums": "1 + ",
    "operators": "+-=",
    "symbols": "3 < ",
    "brackets": "(",
    "pairs of brackets": "(\U0001f600) ",
    "quotes": '."',
    "ends": ". ",
    "ends and quotes": '. " ',
    "commas": ",",
    "spaces": " ",
    "spaces and words": "  a",
    "apostrophes": "l'",
    "hyphens": "a-",
    "glossary": "a ",
    "unclosed tags": "<b>a ",
    "tags": "<b>a</b> ",
    "empty tags": "<b></b>",
    "crossed tags": "<b><i></b></i>",
    "closing tags": "</b>a ",
    "half tags": "<a ",
    "entities": "&amp;",
    "half entities": "&",
    "comments": "<!--",
    "declarations": "<!",
    "instructions": "<?",
    "CDATA": "<![CDATA[",
    "code": "<code>",
    "scripts": "<script>",
    "lines": "a\n",
    "paragraphs": "<p>a",
}


def html(text: str) -> None:
    tokens = [token for token in read_markup(text, "html") if token.kind in ("text", "alone")]
    Sentence(tokens)


def paired_html(text: str) -> None:
    """Tags in one sentence, around the words of its translation."""
    tokens = read_markup(text[: LENGTH // 20 if len(text) <= LENGTH else LENGTH // 5], "html")
    if any(token.kind == "close" and token.partner is None for token in tokens):
        return
    sentence = Sentence(tokens)
    words = tuple(Unit(word, True, i) for i, word in enumerate(sentence.text.split()))
    weights = np.eye(len(words), dtype=np.float32)
    sentence.translated(Alignment(words, words, weights, (1,) * len(words)))


def xml(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    read_markup(f"<a>{escaped}</a>", "xml")


FUNCTIONS: dict[str, Callable[[str], object]] = {
    "normalise": normalise,
    "words_and_marks": words_and_marks,
    "sentences_of": sentences_of,
    "split_text": lambda text: split_text(normalise(text), TOKENIZER, 40),
    "encode": lambda text: TOKENIZER.encode(normalise(text)),
    "reading_of": lambda text: reading_of(normalise(text), TOKENIZER),
    "lost_numbers": lambda text: lost_numbers(text[: LENGTH // 5], text[: LENGTH // 5]),
    "glossary": TERMS.targets,
    "html": html,
    "tags in a sentence": paired_html,
    "xml": xml,
}


def seconds(function: Callable[[str], object], text: str) -> float:
    gc.disable()
    started = time.process_time()
    function(text)
    elapsed_s = time.process_time() - started
    gc.enable()
    return elapsed_s


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_reads_text_is_linear(name: str) -> None:
    function = FUNCTIONS[name]
    slow = {}
    for pattern, unit in PATTERNS.items():
        text = (unit * LENGTH)[:LENGTH]
        for _ in range(3):  # caches fill, memory is taken
            once, again = seconds(function, text), seconds(function, text * TIMES)
            if again <= FREE_S + MOST * once:
                break
        else:
            slow[pattern] = f"{once:.3f} s and {again:.3f} s"
    assert not slow
