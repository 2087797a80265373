"""Texts as sentences, prefixes as those of sentences, and words where they are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.server.responses import Finder
from nmt.server.texts import shares
from nmt.text.sentences import divide

TEXTS = st.text("aB.?! \n\r\té\u0301,'»")


@given(TEXTS)
def test_a_text_divided_and_joined_again_keeps_its_words_and_its_lines(text: str) -> None:
    divided = divide(text)
    joined, _ = divided.joined([sentence.text for sentence in divided.sentences])
    assert [line.split() for line in joined.split("\n")] == [
        line.split() for line in text.split("\n")
    ]
    assert joined.count("\r") == text.count("\r")


@given(TEXTS)
def test_sentences_are_where_they_are_said_to_be(text: str) -> None:
    for sentence in divide(text).sentences:
        assert text[sentence.start :].startswith(sentence.text)
        assert sentence.text.strip() == sentence.text != ""


def test_what_surrounds_sentences_is_kept() -> None:
    divided = divide("  Un chat.  Deux chats.\r\n\r\n\tTrois !\n")
    assert [sentence.text for sentence in divided.sentences] == [
        "Un chat.",
        "Deux chats.",
        "Trois !",
    ]
    assert divided.joined(["A", "B", "C"]) == ("  A  B\r\n\r\n\tC\n", [2, 5, 11])
    assert divided.joined(["", "B", ""])[0] == "  B\r\n\r\n\t\n"
    assert [sentence.line for sentence in divided.sentences] == [0, 0, 2]
    chinese = divide("  Un chat.  Deux chats.\nTrois !", into_spaced=False)
    assert chinese.joined(["A", "B", "C"])[0] == "  AB\nC"
    assert divide("你好。再见。").joined(["Hello.", "Bye."])[0] == "Hello. Bye."


def test_a_small_letter_begins_no_sentence_whatever_the_spaces_before_it() -> None:
    # as in nmt.text.sentences for text with single spaces
    for spaces in (" ", "  ", "\u00a0 ", "   "):
        assert len(divide(f"Le chat etc.{spaces}dort.").sentences) == 1
        assert len(divide(f"Le chat.{spaces}Il dort.").sentences) == 2


def test_a_line_is_one_sentence_where_that_is_asked_for() -> None:
    assert len(divide("Un. Deux.\nTrois.", by_sentence=False).sentences) == 2


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", [""]),
        ("On", ["On"]),
        ("One ", ["One "]),
        ("One.", ["One."]),
        ("One. ", ["One.", ""]),
        ("One. Tw", ["One.", "Tw"]),
        ("One. Two.\n", ["One.", "Two.", ""]),
        ("One\nThr", ["One", "", "Thr"]),
        ("One. Two. And a half.\nThree. Four. Fi", ["One.", "Two. And a half.", "Three. Four. Fi"]),
        ("A\nB\nC", ["A", "", "B C"]),
    ],
)
def test_a_prefix_is_shared_out_among_sentences(prefix: str, expected: list[str]) -> None:
    assert shares(prefix, divide("Un. Deux.\nTrois.")) == expected


@given(st.lists(st.sampled_from(["chat", "é", "l", "'", "한국", "x\u0301\u0323"]), max_size=8))
def test_words_are_found_where_they_are_though_letters_are_composed(words: list[str]) -> None:
    text = " ".join(words)
    for form in ("NFC", "NFD"):
        given_text = unicodedata.normalize(form, text)
        composed = [unicodedata.normalize("NFC", word) for word in words]
        spans = Finder(given_text, 7).spans(composed)
        found = [given_text[start - 7 : end - 7] for start, end in spans]
        assert [unicodedata.normalize("NFC", word) for word in found] == composed


def test_a_word_that_is_not_there_is_an_empty_span() -> None:
    assert Finder("a c").spans(["a", "b", "c"]) == [(0, 1), (1, 1), (2, 3)]


def test_words_are_found_however_they_are_spaced_and_composed() -> None:
    # what is put back verbatim may hold spaces, and is normalised
    text = "e\u0301te\u0301 \U0001f389\u00a0 \U0001f389 fini"
    spans = Finder(text).spans(["\u00e9te\u0301", "\U0001f389 \U0001f389", "fini"])
    assert [text[start:end] for start, end in spans] == [
        "e\u0301te\u0301",
        "\U0001f389\u00a0 \U0001f389",
        "fini",
    ]
