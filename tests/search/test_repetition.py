"""What counts as going round in circles."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.search.repetition import has_loop


@pytest.mark.parametrize(
    ("text", "is_loop"),
    [
        ("", False),
        ("aaaaaaa", False),  # seven tokens
        ("aaaaaaaa", True),
        ("xyaaaaaaaaz", True),
        ("abcabc", False),
        ("abcabcab", False),
        ("abcabcabc", True),
        ("xabcabcabcy", True),
        ("abab" + "ab", False),  # six tokens
        ("abababab", True),
        ("abcdefgh", False),
        ("aabbaabb", False),
    ],
)
def test_a_loop_turns_three_times_and_fills_eight_tokens(text: str, is_loop: bool) -> None:
    assert has_loop([ord(letter) for letter in text]) == is_loop


@given(st.lists(st.integers(0, 2), max_size=16))
def test_a_loop_is_what_comparing_all_stretches_finds(tokens: list[int]) -> None:
    expected = any(
        tokens[start : start + length] * turns == tokens[start : start + length * turns]
        for start, length, turns in product(range(16), range(1, 17), range(3, 17))
        if 8 <= length * turns <= len(tokens) - start
    )
    # A last turn that is not whole counts too, once eight tokens are full.
    assert has_loop(tokens) >= expected
    if has_loop(tokens):
        assert len(tokens) >= 8
