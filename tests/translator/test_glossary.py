"""A glossary: reading it strictly, and finding its words in a sentence."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.errors import CorpusError, GlossaryError
from nmt.text.words import words_and_marks
from nmt.translator.glossary import Glossary

ENTRIES = {
    "chat": "cat",
    "chat noir": "black cat",
    "l'école": "school",
    "Orange": "Orange",
    "orange": "orange",
    "New York": "New York",
    "学生": "student",
    "e-mail": "mail",
}
GLOSSARY = Glossary.of(ENTRIES)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Le chat dort.", ["cat"]),
        ("CHAT ! Un Chat.", ["cat", "cat"]),
        ("Les chats et le chaton dorment.", []),
        ("Le chat noir voit un chat.", ["black cat", "cat"]),
        ("chat  \t noir", ["black cat"]),
        ("le chat, noir", ["cat"]),
        ("Il va à l'école", ["school"]),
        ("Il va à L'École", ["school"]),
        ("Il va à l\u2019école", ["school"]),
        ("Orange vend une orange", ["Orange", "orange"]),
        ("ORANGE", ["orange"]),
        ("new york", []),
        ("New York, New York", ["New York", "New York"]),
        ("我是学生。", ["student"]),
        ("Un e-mail et un mail", ["mail"]),
        ("Un sous-chat", ["cat"]),
        ("Il va à l'e\u0301cole", ["school"]),
        ("chat\u0327", []),  # an accent makes another letter of the last one
        ("", []),
    ],
)
def test_entries_are_found_as_whole_words_longest_first(text: str, targets: list[str]) -> None:
    assert GLOSSARY.targets(text) == targets


@given(
    st.lists(st.sampled_from(["a", "b", "ab", "A", "ba"]), max_size=12),
    st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=3).map(" ".join),
        st.sampled_from(["x", "y", "z"]),
        max_size=6,
    ),
)
def test_the_search_agrees_with_a_regular_expression(
    words: list[str], entries: dict[str, str]
) -> None:
    text = " ".join(words)
    longest_first = sorted(entries, key=lambda source: -source.count(" "))
    pattern = "|".join(rf"\b{re.escape(source)}\b" for source in longest_first)
    found = re.findall(pattern, text.lower()) if entries else []
    assert Glossary.of(entries).targets(text) == [entries[source] for source in found]


def test_words_and_marks_are_the_text_without_its_spaces() -> None:
    assert words_and_marks("L'ami,  n°1 : 你好 नमस्ते!") == [
        *("L", "'", "ami", ",", "n", "°", "1", ":", "你", "好", "नमस्ते", "!")
    ]


def write(folder: Path, text: str) -> Path:
    file = folder / "glossary.tsv"
    file.write_bytes(text.encode())
    return file


def test_a_file_holds_one_entry_a_line(tmp_path: Path) -> None:
    file = write(tmp_path, "\ufeffchat\tcat\r\n\n  \nchien \t big  dog\nchat\tcat\n# x\ty")
    assert Glossary.load(file) == Glossary.of({"chat": "cat", "chien": "big dog", "# x": "y"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("chat\tcat\nchien dog\n", "line 2: 0 tabs instead of one"),
        ("chat\tcat\tnoun\n", "line 1: 2 tabs instead of one"),
        ("\n\nchat\t \n", "line 3: the target is empty"),
        ("\tcat\n", "line 1: the source is empty"),
        ("chat\tcat\nx\ty\nchat\tkitty\n", "line 3: 'chat' is 'kitty' here, but 'cat' in line 1"),
        ("e-mail\tmail\ne - mail\tletter\n", "line 2: 'e - mail' is 'letter' here, but 'mail' in"),
    ],
)
def test_what_is_no_entry_is_refused_by_its_line(tmp_path: Path, text: str, problem: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(GlossaryError) as error:
        Glossary.load(file)
    assert str(error.value).startswith(f"{file}, {problem}")


def test_a_source_without_a_word_is_refused() -> None:
    with pytest.raises(GlossaryError, match="'tangerine' is to be there for nothing"):
        Glossary.of({" ": "tangerine"})


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        Glossary.load(tmp_path / "nothing.tsv")
    (tmp_path / "bad.tsv").write_bytes(b"chat\tcat\ncaf\xe9\tcoffee\n")
    with pytest.raises(CorpusError, match=r"line 2: byte 4 \(0xE9\) is not UTF-8"):
        Glossary.load(tmp_path / "bad.tsv")
