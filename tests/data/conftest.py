"""A cache of its own for each test, and small tokenizers that are trained once."""

from pathlib import Path

import pytest

from tests.text.conftest import sentences, tokenizer, trained

__all__ = ["cache", "sentences", "tokenizer", "trained"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the cache of this test is."""
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nmt"
