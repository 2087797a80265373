"""The parts of the benchmarks that decide what their tables say."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from nmt.config import find_recipe, load_recipe

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def decode_speed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("decode_speed")


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("measuring")


@pytest.fixture
def quality(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("quality")


@pytest.fixture
def train_peers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("train_peers")


def results(decode_speed: Any, seconds: list[float], name: str, tokens: int) -> Any:
    row = decode_speed.Row("throughput", decode_speed.System(name, (), ()), beam=5)
    runs = [decode_speed.Measured(one, 100.0 + one, tokens) for one in seconds]
    return decode_speed.summary(row, runs, {row: 49.44})


def test_batch_sizes_are_tried_with_the_first_backend_and_one_with_the_peer(
    decode_speed: Any,
) -> None:
    systems = [decode_speed.System(name, (), ()) for name in ("OpenNMT-py", "nmt int8", "nmt fp32")]
    rows = decode_speed.rows(systems, beams=[5], batches=[1, 16], opennmt_batch=64)
    of_the_file = [(row.system.name, row.batch) for row in rows if row.kind == "throughput"]
    assert of_the_file == [
        ("OpenNMT-py", 64),
        ("nmt int8", 0),
        ("nmt int8", 1),
        ("nmt int8", 16),
        ("nmt fp32", 0),
    ]


def test_a_row_is_the_median_of_its_times_and_the_most_of_its_memory(decode_speed: Any) -> None:
    result = results(decode_speed, [4.0, 2.0, 9.0], "nmt int8", 1000)
    assert (result.seconds, result.fastest_s, result.slowest_s) == (4.0, 2.0, 9.0)
    assert result.tokens_per_s == 250.0
    assert result.peak_mb == 109.0


def test_a_ratio_compares_tokens_a_second_where_they_are_known(decode_speed: Any) -> None:
    # 1000 tokens in 10 s = 100/s, and 1200 tokens in 2 s = 600/s
    peer = results(decode_speed, [10.0], "OpenNMT-py", 1000)
    own = results(decode_speed, [2.0], "nmt int8", 1200)
    assert [one.ratio for one in decode_speed.compared([peer, own])] == [1.0, 6.0]


def test_without_tokens_a_ratio_compares_seconds(decode_speed: Any) -> None:
    peer = results(decode_speed, [4.0], "OpenNMT-py", 0)
    own = results(decode_speed, [0.5], "nmt int8", 0)
    assert decode_speed.compared([peer, own])[1].ratio == 8.0


def test_without_a_peer_there_is_no_ratio(decode_speed: Any) -> None:
    own = results(decode_speed, [2.0], "nmt int8", 1000)
    assert decode_speed.compared([own])[0].ratio is None


def test_the_report_has_each_figure_of_a_row(decode_speed: Any) -> None:
    own = results(decode_speed, [2.0, 1.0, 4.0], "nmt int8", 12345)
    lines = decode_speed.report([own], {"cores": 2, "bleu": "nrefs:1"})
    (line,) = [line for line in lines if line.startswith("nmt int8")]
    assert line.split()[2:] == [
        "5",
        "own",
        "6,172",
        "3,086",
        "12,345",
        "2.00",
        "12345",
        "104",
        "49.44",
    ]
    assert lines[0] == "cores 2"
    assert lines[-1] == "BLEU nrefs:1"


def test_columns_of_a_table_are_aligned(decode_speed: Any) -> None:
    assert decode_speed.table([("a", "b"), ("long", "1,000")]) == ["a         b", "long  1,000"]


def test_the_warm_sentence_has_ten_words_or_nearly(decode_speed: Any) -> None:
    ten = "un deux trois quatre cinq six sept huit neuf dix"
    assert decode_speed.warm_sentence(["un deux", ten, f"{ten} onze"]) == ten
    assert decode_speed.warm_sentence(["un deux", f"{ten} onze"]) == f"{ten} onze"


def test_each_backend_can_be_named(decode_speed: Any) -> None:
    words = ["--model", "run", "--source", "a", "--reference", "b", "--beams", "1"]
    arguments = decode_speed.parse_arguments([*words, "--backends", "int8", "torch"])
    assert arguments.backends == ["int8", "torch"]
    assert arguments.beams == [1]
    assert decode_speed.parse_arguments(words).backends == list(decode_speed.BACKENDS)


def test_the_translator_has_the_limits_that_a_batch_size_replaces() -> None:
    from nmt.translator import batched_search

    assert batched_search.SENTENCES_PER_BATCH > 0
    assert batched_search.ROWS_PER_BATCH > 0


def test_a_file_is_timed_without_loading_and_its_tokens_are_counted_once(
    measuring: Any, tmp_path: Path
) -> None:
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_text("ein Haus\nein kleines Haus\n", encoding="utf-8")

    def translate(lines: list[str]) -> tuple[list[str], int]:
        return [line.upper() for line in lines], sum(len(line.split()) + 1 for line in lines)

    found = measuring.translate_file(source, lambda: translate, output)
    assert (found["sentences"], found["tokens"]) == (2, 7)
    assert output.read_text(encoding="utf-8") == "EIN HAUS\nEIN KLEINES HAUS\n"


def test_only_a_line_feed_ends_a_line(measuring: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes("a\u2028b\n\nc\r\n".encode())
    assert measuring.lines_of(tmp_path / "text") == ["a\u2028b", "", "c\r"]


def test_a_command_that_fails_says_what_it_said(measuring: Any) -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        measuring.run([sys.executable, "-c", "raise SystemExit('no such thing')"], None)


def test_the_memory_of_a_command_is_its_peak(measuring: Any) -> None:
    code = "held = bytearray(300_000_000); held[::4096] = b'x' * len(held[::4096])"
    # A process counts as never smaller than the one that started it, and pytest is large.
    outer = f"import measuring; print(measuring.run([{sys.executable!r}, '-c', {code!r}], None)[1])"
    folder = Path(measuring.__file__).parent
    mb = float(subprocess.check_output([sys.executable, "-c", outer], cwd=folder))
    assert 286 < mb < 320  # 300 million bytes are 286 MB, and an interpreter


def test_every_row_of_the_plan_of_choices_is_a_recipe_of_its_own(quality: Any) -> None:
    plan = quality.read_plan(quality.PLAN)
    base = load_recipe(find_recipe(plan.recipe), plan.base)
    every = [
        load_recipe(find_recipe(plan.recipe), [*plan.base, *row]) for row in plan.rows.values()
    ]
    assert every[0] == base
    assert len({config.model_dump_json() for config in every}) == len(plan.rows) > 30


def test_choices_are_compared_by_their_means(quality: Any, tmp_path: Path) -> None:
    plan = quality.Plan(
        "starter", 6.0, (1, 2), (), {"base": (), "a / b": ("x=1",), "later": ()}, {}
    )
    scores = {("base", 1): 40.0, ("base", 2): 42.0, ("a / b", 1): 43.5}
    for (name, seed), bleu in scores.items():
        folder = quality.run_folder(tmp_path, name, seed)
        folder.mkdir()
        found = {"bleu": bleu, "tokens_per_s": 3000.0 + seed, "parameters": 7_000_000}
        (folder / quality.RESULT).write_text(json.dumps(found))
    # the deviation of 40 and 42 is the root of (1 + 1) / 1
    assert quality.table(plan, quality.results(plan, tmp_path)).splitlines()[2:] == [
        "| base | 2 | 41.00 ± 1.41 |  | 3,002 | 7.0 M |",
        "| a / b | 1 | 43.50 | +2.50 | 3,001 | 7.0 M |",
    ]


def test_trainings_take_every_row_with_the_first_seed_first(quality: Any, tmp_path: Path) -> None:
    plan = quality.Plan(
        "starter", 6.0, (1, 2), ("a=1",), {"base": (), "other": ("b=2",)}, {"other": 90}
    )
    jobs = list(quality.trainings(plan, ["base", "other"], "corpus.path=x", tmp_path))
    assert [folder.name for folder, _ in jobs] == ["base.1", "other.1", "base.2", "other.2"]
    assert jobs[3][1] == ["a=1", "b=2", "corpus.path=x", "seed=2", "training.steps=90"]
    assert jobs[2][1] == ["a=1", "corpus.path=x", "seed=2", "training.minutes=6.0"]
    assert jobs[1][1][-1] == "training.minutes=6.0", "of the first seed"


def test_the_speed_of_a_peer_is_what_it_reports_after_its_warm_up(
    train_peers: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # The second number of OpenNMT-py's pair is of the target.
    opennmt = "acc: 9.7; bsz: 1058/ 978/64; {}/{} tok/s;      8 sec;"
    joeynmt = "Batch Acc: 0.054945, Tokens per Sec: {1:8d}, Lr: 0.001000"
    peers = importlib.import_module("peers")
    for peer, line in ((train_peers.opennmt, opennmt), (train_peers.joeynmt, joeynmt)):
        said = [line.format(9000 + speed, speed) for speed in (100, 1300, 1500, 1400)]
        code = f"import sys; print({said[0]!r}); print({said[1:]!r}, file=sys.stderr)"
        peers.print_speed([sys.executable, "-c", code], os.environ, peer.SPEED)
        assert capsys.readouterr().out == (
            "1,400 target tokens/s (median; 1,300 to 1,500 over groups of 10 steps)\n"
        )


def test_a_peer_that_fails_says_what_it_said(train_peers: Any) -> None:
    peers = importlib.import_module("peers")
    command = [sys.executable, "-c", "raise SystemExit('no such vocabulary')"]
    with pytest.raises(SystemExit, match="no such vocabulary"):
        peers.print_speed(command, os.environ, train_peers.opennmt.SPEED)


def test_a_training_is_measured_by_the_words_of_train_speed(
    train_peers: Any, tmp_path: Path
) -> None:
    code = "import os; print(os.environ['OMP_NUM_THREADS'], '\\n3,141 target tokens/s (median')"
    speed, peak_mb = train_peers.measured([sys.executable, "-c", code], 3, tmp_path)
    assert speed == 3141.0
    assert peak_mb > 1
    assert (tmp_path / "printed.txt").read_text().startswith("3 ")


def test_trainings_are_compared_with_each_peer_by_their_medians(train_peers: Any) -> None:
    speeds = {"nmt bf16": [3000.0, 2000.0, 4000.0], "OpenNMT-py": [1000.0], "JoeyNMT": [500.0]}
    peaks = {"nmt bf16": [900.0, 1200.4, 1000.0], "OpenNMT-py": [1.0], "JoeyNMT": [2.0]}
    cells = train_peers.report(speeds, peaks)
    assert cells[0][4:] == ("x OpenNMT-py", "x JoeyNMT", "peak MB")
    assert cells[1] == ("nmt bf16", "3,000", "2,000", "4,000", "3.00", "6.00", "1,200")
    assert cells[3] == ("JoeyNMT", "500", "500", "500", "0.50", "1.00", "2")


def test_cpu_seconds_are_those_of_the_process(train_peers: Any) -> None:
    time_to_quality = importlib.import_module("time_to_quality")
    tick_s = 2 / os.sysconf("SC_CLK_TCK")
    assert abs(time_to_quality.cpu_seconds(os.getpid()) - time.process_time()) < 0.1 + tick_s


def test_a_checkpoint_counts_if_it_is_there_before_the_cpu_time_is_over(
    train_peers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_to_quality = importlib.import_module("time_to_quality")
    used_s = iter([10.0, 50.0, 61.0, 75.0, 99.0])
    # one more checkpoint each time that the clock is read

    def clock(process: int) -> float:
        now = next(used_s)
        (tmp_path / f"model_step_{now:.0f}.pt").touch()
        return now

    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(time_to_quality, "cpu_seconds", clock)
    monkeypatch.setattr(time_to_quality.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(time_to_quality.opennmt, "prepared", lambda *arguments: {})
    monkeypatch.setattr(time_to_quality.opennmt, "train_command", lambda *arguments: sleeps)
    arguments = train_peers.argparse.Namespace(opennmt=tmp_path, opennmt_minutes=1)
    core = min(os.sched_getaffinity(0))
    found = time_to_quality.seconds_to_checkpoints(tmp_path, arguments, core)
    assert {file.name: s for file, s in found.items()} == {
        "model_step_10.pt": 10.0,
        "model_step_50.pt": 50.0,
    }
    assert list(used_s) == []  # it was trained until 80 s
