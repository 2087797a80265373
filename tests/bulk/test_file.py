"""A file translated in one go, or with kills in between: the same bytes, in memory for a chunk."""

import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.bulk import Input, Output, file, translate_file
from nmt.bulk.file import Done, locked
from nmt.errors import BulkError, SearchError
from nmt.progress import Display, Headway
from tests.bulk.shouter import shout

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


class Listener(Display):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.headways: list[Headway] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def headway(self, headway: Headway) -> None:
        self.headways.append(headway)


def source_of(data: bytes) -> Input:
    return Input("letters", io.BufferedReader(io.BytesIO(data)))


def run(data: bytes, path: Path, *, resume: bool = False, **options: Any) -> Listener:
    """Translate bytes into a file."""
    listener = Listener()
    belongs_to = {"model": "m", "search": {"beam": 5}} | options.pop("belongs_to", {})
    translate = options.pop("translate", shout)
    translate_file(
        translate,
        source_of(data),
        Output(path, belongs_to),
        resume=resume,
        display=listener,
        **options,
    )
    return listener


class Stopped(BaseException):
    """The process ends here."""


def stop_at(word: str) -> Any:
    """A translator that ends the process at a text."""

    def translate(texts: list[str]) -> Any:
        if word in texts:
            raise Stopped
        return shout(texts)

    return translate


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmt.text.lines.LINES_PER_CHUNK", 3)


@pytest.fixture
def begun(tmp_path: Path, short_chunks: None) -> Path:
    """Six lines of ten are translated."""
    with pytest.raises(Stopped):
        run(TEN, tmp_path / "out", translate=stop_at("line 7"))
    return tmp_path / "out"


TEN = b"".join(b"line %d\n" % number for number in range(10))


@given(text=st.text(st.sampled_from("aé\n\n\r\u2028\x85\x0c\t ")))
def test_each_line_becomes_one_line_whatever_it_holds(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("out") / "out"
    run(text.encode(), path)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    expected = [line.removesuffix("\r").replace("\r", " ").upper() + "\n" for line in lines]
    assert path.read_bytes().decode() == "".join(expected)
    assert {file.name for file in path.parent.iterdir()} <= {"out", ".out.lock"}


def test_what_is_written_of_a_line_may_be_several_with_its_number(tmp_path: Path) -> None:
    run(b"a\nb\n", tmp_path / "out", written=lambda n, found: [f"{n} {found.text}", "more"])
    assert (tmp_path / "out").read_text() == "1 A\nmore\n2 B\nmore\n"


def test_a_resumed_file_is_the_uninterrupted_one_and_no_line_is_translated_twice(
    begun: Path,
) -> None:
    seen: list[str] = []

    def translate(texts: list[str]) -> Any:
        seen.extend(texts)
        return shout(texts)

    listener = run(
        TEN, begun, resume=True, translate=translate, written=lambda n, t: [f"{n} {t.text}"]
    )
    assert seen == ["line 6", "line 7", "line 8", "line 9"]
    assert listener.notes == [f"{begun}: translated already: 6 lines"]
    first, second = TEN.upper().split(b"LINE 6")
    assert begun.read_bytes() == first + b"7 LINE 6" + second.replace(b"L", b"%d L") % (8, 9, 10)


def test_what_was_written_after_the_last_whole_chunk_is_taken_out(begun: Path) -> None:
    with begun.with_name("out.partial").open("ab") as partial:
        partial.write(b"torn" * 1000)
    run(TEN, begun, resume=True)
    assert begun.read_bytes() == TEN.upper()


def test_a_chunk_is_on_the_disk_before_it_is_said_to_be_done(
    tmp_path: Path, short_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync, keep = os.fsync, Output.keep

    def recording(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def checking(output: Output, done: Done) -> None:
        assert synced[-1:] == [done.output_bytes] or not done.lines
        keep(output, done)

    monkeypatch.setattr(os, "fsync", recording)
    monkeypatch.setattr(Output, "keep", checking)
    run(TEN, tmp_path / "out")
    assert len(synced) > 4


def test_a_process_that_dies_between_any_two_writes_can_be_gone_on_with(
    tmp_path: Path, short_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "locked", lambda path: nullcontext())
    places = [(os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "open")]
    real = {place: getattr(*place) for place in places}
    left = 0

    def dying(place: tuple[Any, str]) -> Any:
        def operation(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Stopped
            return real[place](*arguments, **options)

        return operation

    deaths = 0
    while True:
        path = tmp_path / str(deaths) / "out"
        path.parent.mkdir()
        left = deaths
        with monkeypatch.context() as patch:
            for place in places:
                patch.setattr(*place, dying(place))
            try:
                run(TEN, path)
            except Stopped:
                deaths += 1
            else:
                break
        run(TEN, path, resume=True)
        assert path.read_bytes() == TEN.upper()
        assert list(path.parent.iterdir()) == [path]
    # four chunks, each with a sync of the file, and one and a rename of what is said of it
    assert deaths > 4 * 3


KILLED = """
import sys, time
from pathlib import Path
from nmt.bulk import Input, Output, translate_file
from nmt.progress import Display
from tests.bulk.shouter import shout

def written(number, translation):
    if number == int(sys.argv[3]):
        Path("reached").touch()
        time.sleep(600)
    return [translation.text]

with open(sys.argv[1], "rb") as stream:
    translate_file(shout, Input("in", stream), Output(Path(sys.argv[2]), {"model": "m"}),
                   resume=True, display=Display(), written=written)
"""


def test_a_kill_in_the_middle_of_a_chunk_loses_that_chunk_only(tmp_path: Path) -> None:
    source, path = tmp_path / "in", tmp_path / "out"
    lines = [f"this is the line with the number {number}\n" for number in range(9000)]
    source.write_text("".join(lines))

    def start(stop_at_line: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-c", KILLED, "in", "out", str(stop_at_line)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    process = start(7000)
    try:
        while not (tmp_path / "reached").exists():
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    kept = json.loads((tmp_path / "out.partial.json").read_text())["done"]
    assert kept["lines"] == 3 * 2048
    assert (tmp_path / "out.partial").stat().st_size > kept["output_bytes"], "nothing was torn"
    assert not path.exists()
    assert start(0).wait(60) == 0
    assert path.read_text() == "".join(lines).upper()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_bytes(lines: int) -> int:
        source = tmp_path / f"{lines}.txt"
        source.write_text("".join(f"some words and {number}\n" for number in range(lines)))
        with source.open("rb") as stream:
            tracemalloc.start()
            translate_file(
                shout,
                Input("in", stream),
                Output(tmp_path / f"{lines}.out", {}),
                resume=False,
                display=Display(),
            )
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return peak

    assert peak_bytes(40_000) < 1.2 * peak_bytes(5_000)


def test_very_long_lines_are_translated_a_few_at_a_time(tmp_path: Path) -> None:
    sizes: list[int] = []

    def translate(texts: list[str]) -> Any:
        sizes.append(len(texts))
        return shout(texts)

    run(b"".join(b"x" * 400_000 + b"\n" for _ in range(7)), tmp_path / "out", translate=translate)
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"model": "other"}, "another model"),
        ({"search": {"beam": 1}}, "search.beam 5, now 1"),
        ({"lines": "json"}, "lines None, now 'json'"),
    ],
)
def test_what_another_model_or_other_options_began_is_not_gone_on_with(
    begun: Path, changed: dict[str, Any], difference: str
) -> None:
    before = begun.with_name("out.partial").read_bytes()
    with pytest.raises(BulkError, match=f"begun with {difference}: keep to it"):
        run(TEN, begun, resume=True, belongs_to=changed)
    assert begun.with_name("out.partial").read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [TEN.replace(b"line 2", b"LINE 2"), TEN[:20], b""],
    ids=["changed", "shorter", "empty"],
)
def test_another_input_is_not_gone_on_with(begun: Path, other: bytes) -> None:
    with pytest.raises(BulkError, match=r"letters: its beginning \(6 lines\) is not what"):
        run(other, begun, resume=True)


def test_what_follows_may_be_mended_before_going_on(begun: Path) -> None:
    run(TEN.replace(b"line 8", b"mended"), begun, resume=True)
    assert begun.read_bytes() == TEN.upper().replace(b"LINE 8", b"MENDED")


def test_a_last_line_that_has_grown_since_is_another_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Output, "finish", lambda output: stop_at("")([""]))
        run(b"one\ntw", tmp_path / "out")
    with pytest.raises(BulkError, match=r"its beginning \(2 lines\) is not"):
        run(b"one\ntwo\n", tmp_path / "out", resume=True)
    run(b"one\ntw", tmp_path / "out", resume=True)
    assert (tmp_path / "out").read_bytes() == b"ONE\nTW\n"


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(BulkError, match=r"this is a folder: name a file with --output"):
        run(TEN, tmp_path)


def test_nothing_is_overwritten(begun: Path) -> None:
    with pytest.raises(BulkError, match=r"out\.partial: part of this .* go on with --resume"):
        run(TEN, begun)
    run(TEN, begun, resume=True)
    with pytest.raises(BulkError, match="out: this file exists: remove it, or name another"):
        run(TEN, begun)
    listener = run(TEN, begun, resume=True, translate=stop_at("line 0"))
    assert listener.notes == [f"{begun}: finished already; to translate it again, remove it"]
    assert begun.read_bytes() == TEN.upper()


def test_a_damaged_part_is_refused(begun: Path) -> None:
    partial, state = begun.with_name("out.partial"), begun.with_name("out.partial.json")
    whole = partial.read_bytes()
    partial.write_bytes(whole[:10])
    with pytest.raises(BulkError, match="has 10 bytes of the 42 that were written"):
        run(TEN, begun, resume=True)
    state.write_text("{")
    with pytest.raises(BulkError, match="missing or damaged"):
        run(TEN, begun, resume=True)
    state.unlink()
    with pytest.raises(BulkError, match="missing or damaged"):
        run(TEN, begun, resume=True)


def test_resuming_starts_where_nothing_has(tmp_path: Path) -> None:
    run(TEN, tmp_path / "out", resume=True)
    assert (tmp_path / "out").read_bytes() == TEN.upper()


def test_two_processes_do_not_write_to_one_file(tmp_path: Path) -> None:
    def translate(texts: list[str]) -> Any:
        with pytest.raises(BulkError, match="another nmt process is writing to it"):
            run(TEN, tmp_path / "out", resume=True)
        return shout(texts)

    run(TEN, tmp_path / "out", translate=translate)
    assert (tmp_path / "out").read_bytes() == TEN.upper()


def test_the_lock_of_a_folder_is_in_it_and_that_of_a_file_beside_it(tmp_path: Path) -> None:
    paths = (tmp_path / "out", tmp_path / "folder")
    paths[1].mkdir()
    for path, lock_file in zip(paths, (tmp_path / ".out.lock", paths[1] / ".lock"), strict=True):
        with locked(path):
            assert lock_file.exists()
            with pytest.raises(BulkError, match="another nmt process"), locked(path):
                pass
            assert lock_file.exists()
    assert {file.name for file in tmp_path.iterdir()} <= {"folder", ".out.lock"}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BulkError, match=r"no/out: there is no folder .*no: make it first"):
        run(TEN, tmp_path / "no" / "out")


def test_a_line_that_is_not_text_is_named_and_what_is_before_its_chunk_stays(begun: Path) -> None:
    data = TEN.replace(b"line 9", b"caf\xe9")
    with pytest.raises(SearchError, match=r"letters, line 10: not UTF-8 \(byte 0xE9 at byte 4\)"):
        run(data, begun, resume=True)
    assert json.loads(begun.with_name("out.partial.json").read_text())["done"]["lines"] == 9


def test_headway_is_told_after_each_chunk(begun: Path) -> None:
    source = begun.with_name("in")
    source.write_bytes(TEN)
    listener = Listener()
    with source.open("rb") as stream:
        translate_file(
            shout,
            Input("in", stream),
            Output(begun, {"model": "m", "search": {"beam": 5}}),
            resume=True,
            display=listener,
        )
    assert [headway.lines for headway in listener.headways] == [9, 10]
    assert [headway.share for headway in listener.headways] == [0.9, 1.0]
    last = listener.headways[-1]
    assert last.lines_per_s * last.elapsed_s == pytest.approx(4)
    assert last.tokens_per_s is not None
    assert last.tokens_per_s * last.elapsed_s == pytest.approx(8)
