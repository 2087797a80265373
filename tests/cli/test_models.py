"""``nmt models``, run in this process."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Inside


def test_models_are_listed_in_the_order_in_which_they_are_taken(
    inside: Inside, trained: Path
) -> None:
    (trained.parent / "broken").mkdir()
    (trained.parent / "broken" / "config.toml").write_text("[model\n")
    (trained.parent / "broken" / "model.safetensors").write_bytes(b"")
    os.utime(trained.parent / "broken" / "model.safetensors", (1000, 1000))
    done = inside("models")
    assert done.code == 0
    assert done.lines == [
        "checkpoints/toy\tfrom fr to en\tdev BLEU 30.0",
        "fr-en\tfrom fr to en\tcame with nmt, dev BLEU 55.4",
        "en-fr\tfrom en to fr\tcame with nmt, dev BLEU 46.9",
    ]
    assert len(done.errors) == 1
    assert done.errors[0].startswith("checkpoints/broken is left out: ")
    assert inside("translate", "").errors[0].startswith("translating with checkpoints/toy")


def test_where_there_is_no_model_that_is_said(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.runs.finding.shipped_models", list)
    done = inside("models")
    assert (done.code, done.lines) == (0, [])
    assert done.errors == ["no model under checkpoints/: train one with `nmt train`"]
