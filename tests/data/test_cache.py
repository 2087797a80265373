import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nmt.data import cache as cache_module
from nmt.data.cache import ABANDONED_AFTER_S, cache_folder, cached
from nmt.errors import CorpusError


def builder(text: str, calls: list[str]):  # type: ignore[no-untyped-def]
    def build(folder: Path) -> None:
        calls.append(text)
        (folder / "data").write_text(text)

    return build


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == tmp_path / "cache" / "nmt"
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere" / "nmt"
    monkeypatch.delenv("HF_DATASETS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "nmt"


def test_what_is_there_is_not_built_again() -> None:
    calls: list[str] = []
    folders = [cached("sort", {"key": 1}, builder("a", calls)) for _ in range(2)]
    assert folders[0] == folders[1]
    assert (folders[0] / "data").read_text() == "a"
    assert calls == ["a"]


def test_another_key_is_another_folder() -> None:
    folders = {cached("sort", {"key": key}, builder("a", [])) for key in (1, 2, "1")}
    assert len(folders) == 3


def test_a_build_that_fails_leaves_nothing(cache: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "data").write_text("half")
        raise CorpusError("line 3 is bad")

    with pytest.raises(CorpusError, match="line 3 is bad"):
        cached("sort", {}, build)
    assert list((cache / "sort").iterdir()) == []


def test_a_killed_build_leaves_nothing_that_is_taken_for_whole(cache: Path) -> None:
    script = (
        "import sys, time; from nmt.data.cache import cached\n"
        "def build(folder):\n"
        "    (folder / 'data').write_text('half'); print('ready', flush=True); time.sleep(60)\n"
        "cached('sort', {}, build)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert (cached("sort", {}, builder("whole", [])) / "data").read_text() == "whole"


@pytest.mark.parametrize("damage", ["truncate", "delete", "no manifest", "flip"])
def test_a_damaged_folder_is_built_again(damage: str) -> None:
    folder = cached("sort", {}, builder("whole", []))
    if damage == "truncate":
        os.truncate(folder / "data", 2)
    elif damage == "delete":
        (folder / "data").unlink()
    elif damage == "flip":
        (folder / "data").write_text("whale")
    else:
        (folder / "manifest.json").unlink()
    assert (cached("sort", {}, builder("whole", [])) / "data").read_text() == "whole"


def test_of_two_that_build_the_same_the_first_wins() -> None:
    calls: list[str] = []

    def build(folder: Path) -> None:
        (folder / "data").write_text("second")
        cached("sort", {}, builder("first", calls))  # another process, meanwhile

    folder = cached("sort", {}, build)
    assert (folder / "data").read_text() == "first"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_only_what_was_abandoned_long_ago_is_removed(cache: Path) -> None:
    old, new = cache / "sort" / ".old-1", cache / "sort" / ".new-1"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "data").write_text("half")
    long_ago = time.time() - ABANDONED_AFTER_S - 60
    for path in (old / "data", old):
        os.utime(path, (long_ago, long_ago))

    cached("sort", {}, builder("a", []))

    assert new.exists()
    assert not old.exists()


def test_a_cache_that_cannot_be_written_is_an_error_that_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match="environment variable HF_DATASETS_CACHE") as refusal:
        cached("sort", {}, builder("a", []))
    assert str(tmp_path / "file") in str(refusal.value)


@pytest.mark.parametrize("manifest", ["[]", "null", '{"x": []}', '{"x": 3}', "{", "[" * 9])
def test_a_manifest_that_is_another_json_is_a_folder_that_is_not_whole(
    manifest: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("x")
    (tmp_path / cache_module.MANIFEST).write_text(manifest)
    assert not cache_module._is_complete(tmp_path)
