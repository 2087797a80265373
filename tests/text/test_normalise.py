import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.text.normalise import normalise


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_every_whitespace_is_one_plain_space_between_words(text: str) -> None:
    normalised = normalise(text)
    assert [character for character in normalised if character.isspace() and character != " "] == []
    assert "  " not in normalised
    assert normalised == normalised.strip()


@given(st.text())
def test_the_result_is_in_nfc(text: str) -> None:
    assert unicodedata.is_normalized("NFC", normalise(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301te\u0301", "été"),
        ("  un\tdeux\u00a0trois \u2028 quatre\u0085\x0ccinq\r\n", "un deux trois quatre cinq"),
        ("«\u202foui\u202f»", "« oui »"),
        ("ﬁn ½ ™", "ﬁn ½ ™"),  # compatibility characters are not NFC's business
        ("\ufeffoui\u200bnon", "\ufeffoui\u200bnon"),  # no whitespace, so part of the text
        (" \u3000 ", ""),
    ],
)
def test_a_text_is_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected
