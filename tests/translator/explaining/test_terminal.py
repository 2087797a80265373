"""The explanation as text."""

import re

import pytest

from nmt.translator.translator import Translator
from nmt.visualization.explanation_text import as_text, percent, spelt
from tests.translator.explaining.test_page import explanation_of

TEXT = "le petit chat mange dans la maison rouge."
COMMAND = re.compile(r"\x1b\[")


def test_a_word_stands_with_its_attention_and_how_sure_it_was() -> None:
    lines = as_text(explanation_of("chat"), is_terminal=False).splitlines()
    assert lines[:3] == ["chat", "→ chat", "log-probability -1.00, score -0.500"]
    table = [line.split() for line in lines[4:]]
    assert table[:3] == [
        ["word", "sure", "attention", "or", "else"],
        ["chat", "50%", "chat", "75%", "·chat", "25%"],
        ["(end)", "90%"],
    ]
    assert table[-1] == ["1", "subword", "-2.000", "chat", "pruned", "by", "the", "beam"]


def test_a_pipe_gets_no_colours_and_a_terminal_does(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    explanation = translator.explain(TEXT)
    plain = as_text(explanation, is_terminal=False)
    assert not COMMAND.search(plain)
    assert "\x1b[32m" in as_text(explanation_of("chat"), True) or COMMAND.search(
        as_text(explanation, is_terminal=True)
    )
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\dm", as_text(explanation, is_terminal=True))


def test_a_text_does_not_command_the_terminal() -> None:
    assert "\x1b" not in as_text(explanation_of("a\x1b[2Jb\x07\u202e"), is_terminal=False)
    assert "\u202e" not in as_text(explanation_of("a\u202eb"), is_terminal=False)


def test_a_model_without_attention_is_explained_without_looks(blind: Translator) -> None:
    text = as_text(blind.explain(TEXT), is_terminal=False)
    assert "This model has no attention" in text
    assert "attention   " not in text


def test_subwords_and_probabilities_are_shown_for_people() -> None:
    assert [spelt(piece) for piece in ("▁cat", "s", "▁", "</s>")] == ["cat", "·s", "_", "(end)"]
    assert [percent(p) for p in (1.0, 0.974, 0.0995, 0.003, 0.0004, 0.0)] == [
        "100%",
        "97%",
        "10%",
        "0.3%",
        "<0.1%",
        "0.0%",
    ]
