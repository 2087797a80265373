"""What a training does with the machine it runs on."""

import ctypes
import platform
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_glibc_can_give_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ctypes.CDLL(None)
    asked: list[int] = []
    real = library.malloc_trim
    trim = SimpleNamespace(malloc_trim=lambda pad: asked.append(real(pad)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: trim)
    give_back_memory()
    assert asked in ([0], [1])  # 1 where there was any
