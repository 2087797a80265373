"""``nmt translate`` with files: the same text as without, whole or gone on with."""

import json
import re
import time
from functools import partial
from pathlib import Path

import pytest

from nmt.progress import LineDisplay
from nmt.text.lines import LINES_PER_CHUNK
from tests.cli.conftest import Inside, start

TEXT = "le petit chat voit le grand chien.\r\n\nle\u2028chat\nle chien".encode()


def test_a_file_becomes_what_standard_input_becomes(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "in").write_bytes(TEXT)
    expected = inside("translate", input=TEXT).lines
    assert len(expected) == 4
    assert inside("translate", "--input", "in").lines == expected
    for arguments in (["--input", "in", "--output", "a"], ["--output", "b"]):
        done = inside("translate", *arguments, input=TEXT)
        assert (done.code, done.lines, done.errors) == (
            0,
            [],
            ["translating with checkpoints/toy (dev BLEU 30.0)"],
        )
        assert (folder / arguments[-1]).read_text().splitlines() == expected
    done = inside("translate", "--input", "in", "--output", "a", "--resume")
    assert done.errors[1:] == ["a: finished already; to translate it again, remove it"]
    assert inside("translate", "--input", "in", "--output", "a").errors[1:] == [
        "nmt: a: this file exists: remove it, or name another with --output"
    ]
    for more in ([], ["--resume"]):
        assert inside("translate", "--input", "in", "--output", "in", *more).errors[1:] == [
            "nmt: in: this is what is translated: name another with --output"
        ]
    assert (folder / "in").read_bytes() == TEXT


def test_whoever_waits_for_lines_is_told_how_far_it_is(
    inside: Inside, trained: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "in").write_bytes(TEXT)
    monkeypatch.setattr("nmt.progress.LineDisplay", partial(LineDisplay, every_s=0.0))
    done = inside("translate", "--input", "in")
    assert re.fullmatch(r"0:0\d  100%  4 lines  [\d,]+ lines/s  0:00 left", done.errors[-1])
    # a pipe into a program that may never look at what it is told
    assert len(inside("translate", input=TEXT).errors) == 1


def test_a_file_can_hold_json_and_n_best_lines(inside: Inside, trained: Path, folder: Path) -> None:
    inside("translate", "--json", "--output", "a", input=TEXT)
    found = [json.loads(line) for line in (folder / "a").read_text().split("\n")[:-1]]
    assert [row["source"] for row in found] == TEXT.decode().replace("\r", "").split("\n")
    inside("translate", "--n-best", "2", "--output", "b", input=TEXT)
    numbers = [line.split("\t")[0] for line in (folder / "b").read_text().splitlines()]
    assert numbers == ["1", "1", "2", "3", "3", "4", "4"]


def test_a_killed_command_goes_on_to_the_same_bytes(
    inside: Inside, folder: Path, cache: Path, trained: Path
) -> None:
    (folder / "in").write_text("le chat\n" * 2 * LINES_PER_CHUNK + "le petit chat\nle chien")
    options = ("translate", "--beam", "1", "--input", "in", "--output")
    state = folder / "a.partial.json"
    with start(folder, cache, *options, "a") as process:
        while not (state.exists() and json.loads(state.read_bytes())["done"]["lines"]):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert not (folder / "a").exists(), "the kill came too late"
    refused = inside(*options, "a", "--resume", "--beam", "2").errors[-1]
    assert refused.startswith("nmt: a.partial: begun with search.beam 1, now 2: keep to it")
    assert "go on with --resume" in inside(*options, "a").errors[-1]
    done = inside(*options, "a", "--resume")
    assert done.errors[1:] == ["a: translated already: 2,048 lines"]
    assert inside(*options, "b").code == 0
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    assert (folder / "a").read_bytes().count(b"\n") == 2 * LINES_PER_CHUNK + 2


def test_shards_become_shards_and_a_rerun_skips_them(
    inside: Inside, trained: Path, folder: Path
) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_bytes(TEXT)
    (folder / "in" / "b.jsonl").write_text('{"fr": "le chat"}\n')
    options = ("translate", "--input", "in", "--output", "out", "--column", "fr")
    assert inside(*options).code == 0
    expected = inside("translate", input=TEXT).lines
    assert (folder / "out" / "a.txt").read_text().splitlines() == expected
    row = json.loads((folder / "out" / "b.jsonl").read_text())
    assert row == {"fr": "le chat", "translation_text": inside("translate", "le chat").lines[0]}
    assert inside(*options).errors[1:] == ["2 of 2 shards are finished already"]
    assert (
        inside(*options, "--beam", "1")
        .errors[1]
        .startswith(f"nmt: {folder}/out/a.txt: made with search.beam 2, now 1: keep to it")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "a", "le chat"], "TEXT and --output do not go together: leave one"),
        (["--input", "text/dev.fr", "le chat"], "TEXT and --input do not go together: leave one"),
        (["--resume"], "--resume needs --output: add it, or leave --re"),
        (["--input", "text"], "--input of shards needs --output: add it"),
        (["--input", "nofile"], "--input nofile: there is no such file or folder: name one"),
        (
            ["--input", "nowhere", "--output", "a"],
            "--input nowhere: there is no such file or folder",
        ),
        (["--input", "text", "--output", "a", "--json"], "--input of shards and --json do not go"),
        (["--output", "a", "--column", "fr"], "--column needs --input of shards: add it"),
        (["--input", "text", "--output", "a", "--workers", "2"], "--workers needs --engine ray"),
        (["--input", "text/dev.fr", "--output", "no/a"], "no/a: there is no folder no"),
        (["--input", "text", "--output", "text"], "text: the shards are in this folder"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    inside: Inside, trained: Path, arguments: list[str], message: str
) -> None:
    done = inside("translate", *arguments)
    assert (done.code, done.lines) == (2, [])
    assert done.errors[-1].startswith(f"nmt: {message}")
