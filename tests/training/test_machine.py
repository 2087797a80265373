"""What a training does with the machine it runs on."""

import ctypes
from types import SimpleNamespace

import pytest

from nmt.training.machine import give_back_memory


def test_memory_is_given_back_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=asked.append))
    give_back_memory()
    assert asked == [0]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    give_back_memory()


def test_memory_is_given_back_here() -> None:
    give_back_memory()
