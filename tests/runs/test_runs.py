"""Run directories: nothing is ever half there, and nothing is taken for what it is not."""

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from nmt.config import CorpusConfig, RunConfig, load_recipe, override, to_toml
from nmt.errors import ConfigError, RunError
from nmt.files import read_folder, remove_folder, replace_folder, surviving_folder, write_atomically
from nmt.runs.directory import RunDirectory
from nmt.runs.finding import (
    Direction,
    chosen_runs,
    interrupted_run,
    latest_run,
    newest_run,
    open_run,
    refuse_other_directions,
)
from nmt.runs.starting import begin, begin_tokenizer, create_run, go_on, plan_run

CONFIG = RunConfig()
OLD = {"state.json": b"old", "weights": b"o" * 5000}
NEW = {"state.json": b"new!", "weights": b"n" * 4000, "more": b""}


class Killed(BaseException):
    """What a process that is killed never sees."""


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes() for file in folder.iterdir() if file.name != "manifest.json"
    }


def test_a_run_from_before_attention_was_guided_stays_unguided(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", CONFIG)
    assert run.config().training.guided_attention == 1.0
    lines = run.config_file.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("guided_attention")]
    assert len(kept) == len(lines) - 1
    run.config_file.write_text("\n".join(kept))
    assert run.config().training.guided_attention == 0.0
    assert run.config().training.model_copy(update={"guided_attention": 1.0}) == CONFIG.training


@pytest.fixture
def die_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Dies at the nth thing that is done to the disk, before it or halfway through it."""
    calls = 0
    fatal = -1

    def dying(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def step(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == fatal:
                if name == "write_bytes":
                    file, data = args
                    real(file, data[: len(data) // 2])  # type: ignore[index]
                if name == "rmtree":
                    for file in sorted(Path(str(args[0])).glob("*"))[:1]:
                        file.unlink()
                raise Killed
            # Waiting for the disk is what takes the time, and nothing here depends on it.
            return None if name == "fsync" else real(*args, **kwargs)

        monkeypatch.setattr(owner, name, step)

    for owner, name in [
        (os, "fsync"),
        (Path, "rename"),
        (Path, "replace"),
        (Path, "write_bytes"),
        (Path, "mkdir"),
        (shutil, "rmtree"),
    ]:
        dying(owner, name)

    def arm(number: int) -> None:
        nonlocal calls, fatal
        calls, fatal = 0, number

    yield arm


def steps_until_done(write: Callable[[int], None]) -> Iterator[int]:
    """Calls ``write`` dying at its first step, its second, ... until it lives."""
    for number in range(1, 1000):
        try:
            write(number)
        except Killed:
            yield number
        else:
            assert number > 5, "nothing was interrupted"
            return
    raise AssertionError("never done")


def test_a_folder_is_old_or_new_wherever_its_replacement_dies(
    tmp_path: Path, die_at: Callable[[int], None]
) -> None:
    folder = tmp_path / "last"

    def write(number: int) -> None:
        die_at(-1)
        for left in tmp_path.iterdir():
            shutil.rmtree(left)
        replace_folder(folder, OLD)
        die_at(number)
        replace_folder(folder, NEW)

    seen = []
    for _ in steps_until_done(write):
        found = contents(read_folder(folder, "copy it again"))
        assert found in (OLD, NEW)
        assert found == NEW or folder.exists(), "what is complete is used"
        seen.append(found == NEW)
        # and the next replacement works, from what survived
        die_at(-1)
        replace_folder(folder, {"third": b"3"})
        assert contents(read_folder(folder, "copy it again")) == {"third": b"3"}
        assert [path.name for path in tmp_path.iterdir()] == ["last"]
    assert seen == sorted(seen), "once new, always new"
    assert any(seen)


@pytest.mark.slow
def test_dying_twice_in_a_row_still_leaves_a_complete_folder(
    tmp_path: Path, die_at: Callable[[int], None]
) -> None:
    folder = tmp_path / "last"
    for first in range(1, 17):
        for second in range(1, 17):
            die_at(-1)
            for left in tmp_path.iterdir():
                shutil.rmtree(left)
            replace_folder(folder, OLD)
            before = OLD
            for number, files in ((first, NEW), (second, {"third": b"3"})):
                die_at(number)
                with suppress(Killed):
                    replace_folder(folder, files)
                found = contents(read_folder(folder, "copy it again"))
                assert found in (before, files)
                before = found


def test_a_first_folder_is_there_whole_or_not_at_all(
    tmp_path: Path, die_at: Callable[[int], None]
) -> None:
    folder = tmp_path / "last"

    def write(number: int) -> None:
        die_at(-1)
        for left in tmp_path.iterdir():
            shutil.rmtree(left)
        die_at(number)
        replace_folder(folder, NEW)

    for _ in steps_until_done(write):
        if surviving_folder(folder) is None:
            with pytest.raises(RunError, match="there is no such folder"):
                read_folder(folder, "copy it again")
        else:
            assert contents(read_folder(folder, "copy it again")) == NEW


def test_a_file_is_old_or_new_wherever_its_writing_dies(
    tmp_path: Path, die_at: Callable[[int], None]
) -> None:
    file = tmp_path / "model"
    number = 0
    while True:
        number += 1
        die_at(-1)
        file.write_bytes(b"old")
        die_at(number)
        try:
            write_atomically(file, b"new and longer")
        except Killed:
            assert file.read_bytes() in (b"old", b"new and longer")
        else:
            break
    assert number > 4
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert file.read_bytes() == b"new and longer"


REPLACES_FOREVER = """
import sys
from pathlib import Path
from nmt.files import replace_folder
folder = Path(sys.argv[1])
for number in range(10**6):
    data = str(number).encode() * 2000
    replace_folder(folder, {name: data for name in "abc"})
    print(number, flush=True)
"""


def test_a_killed_process_leaves_a_complete_folder_no_older_than_the_last_it_finished(
    tmp_path: Path,
) -> None:
    moments = random.Random(7)
    folder = tmp_path / "last"
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", REPLACES_FOREVER, str(folder)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        time.sleep(moments.uniform(0.0, 0.1))
        process.send_signal(signal.SIGKILL)
        finished = int((b"0\n" + process.communicate()[0]).split()[-1])
        data = {
            bytes(content[:]) for content in contents(read_folder(folder, "copy it again")).values()
        }
        assert len(data) == 1
        (content,) = data
        assert content in {str(n).encode() * 2000 for n in (finished, finished + 1)}


@pytest.mark.parametrize("name", ["state.json", "weights", "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "flipped"])
def test_a_damaged_folder_is_refused_by_the_name_of_its_file(
    tmp_path: Path, name: str, damage: str
) -> None:
    folder = tmp_path / "last"
    replace_folder(folder, OLD)
    file = folder / name
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(data[:-1])
    else:
        file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(RunError, match=f"{name}: this file is "):
        read_folder(folder, "copy it again")


def test_the_manifest_gives_size_and_sha256(tmp_path: Path) -> None:
    replace_folder(tmp_path / "last", {"abc": b"abc"})
    # the test vector of FIPS 180-2, B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    manifest = json.loads((tmp_path / "last" / "manifest.json").read_bytes())
    assert manifest == {"abc": [3, digest]}


def test_a_file_can_be_written_by_a_function_and_is_as_readable_as_the_others(
    tmp_path: Path,
) -> None:
    def write_private(path: Path) -> None:
        path.write_bytes(b"private")
        path.chmod(0o600)

    replace_folder(tmp_path / "last", {"private": write_private, "usual": b""})
    folder = read_folder(tmp_path / "last", "copy it again")
    assert contents(folder) == {"private": b"private", "usual": b""}
    modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in ("private", "usual")}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["../up", "a/b", "manifest.json", ".."])
def test_a_folder_takes_plain_file_names_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        replace_folder(tmp_path / "last", {name: b""})


def trained(path: Path, config: RunConfig = CONFIG) -> RunDirectory:
    """A run whose files are there, whatever they hold."""
    run = create_run(path, config)
    for file in (run.model_file, *run.tokenizer_files(config.tokenizer.joint)):
        file.write_bytes(b"x")
    return run


def test_a_run_keeps_its_configuration(tmp_path: Path) -> None:
    config = override(CONFIG, ["seed=5", "model.cell=gru"])
    assert create_run(tmp_path / "runs" / "a", config).config() == config
    assert RunDirectory(tmp_path / "runs" / "a").config() == config


def test_a_configuration_is_read_once_for_each_version_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path / "run")
    reading = Mock(wraps=load_recipe)
    monkeypatch.setattr("nmt.runs.directory.load_recipe", reading)
    [opened] = chosen_runs([run.path], Direction("fr", "en"))
    assert open_run(run.path).config() is opened.config()
    assert reading.call_count == 1
    go_on(run, override(CONFIG, ["training.epochs=99"]))
    assert opened.config().training.epochs == 99
    assert reading.call_count == 2


def test_what_is_no_trained_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="none: there is no such folder"):
        open_run(tmp_path / "none")
    with pytest.raises(RunError, match=r"this is not a run: it has no config\.toml"):
        open_run(tmp_path)
    run = create_run(tmp_path / "a b", CONFIG)
    with pytest.raises(RunError, match=r"no weights yet .*`nmt train --resume --run '.*/a b'`"):
        open_run(run.path)
    run.model_file.write_bytes(b"x")
    with pytest.raises(RunError, match=r"joint\.model: this file of the run is missing"):
        open_run(run.path)
    run.joint_model.write_bytes(b"x")
    assert open_run(run.path) == run


def test_two_tokenizers_are_both_needed(tmp_path: Path) -> None:
    config = override(CONFIG, ["tokenizer.joint=false", "model.shared_embeddings=false"])
    run = trained(tmp_path, config)
    assert open_run(run.path) == run
    run.target_model.unlink()
    with pytest.raises(RunError, match=r"target\.model"):
        open_run(run.path)


def test_the_latest_run_is_the_one_whose_weights_are_newest(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no trained model under"):
        latest_run(tmp_path)
    for age, name in enumerate(["b", "c", "a"]):
        run = trained(tmp_path / name)
        os.utime(run.model_file, (1000 - age, 1000 - age))
    create_run(tmp_path / "d", CONFIG)  # no weights yet
    assert latest_run(tmp_path).path.name == "b"
    os.utime(tmp_path / "a" / "model.safetensors", (2000, 2000))
    assert latest_run(tmp_path).path.name == "a"


def shipped(path: Path, source: str, target: str) -> RunDirectory:
    """A model as it comes with nmt."""
    run = exported(path, source, target)
    run.shipped_mark.write_text("")
    return run


def exported(path: Path, source: str, target: str) -> RunDirectory:
    """A run that only translates."""
    run = trained(path, override(CONFIG, [f"corpus.source={source}", f"corpus.target={target}"]))
    run.model_file.unlink()
    replace_folder(run.export, OLD)
    return run


def test_a_model_that_came_without_its_export_is_to_be_copied_again(tmp_path: Path) -> None:
    run = shipped(tmp_path / "fr-en", "fr", "en")
    remove_folder(run.export)
    with pytest.raises(RunError, match="fr-en/export: this folder is missing: copy the whole"):
        open_run(run.path)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the models are that come with nmt; the working directory has none of its own."""
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", tmp_path / "site" / "nmt")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "site" / "nmt" / "checkpoints"


def test_the_model_that_came_with_nmt_is_taken_where_none_was_trained(package: Path) -> None:
    with pytest.raises(RunError, match="no trained model under checkpoints/: train one"):
        chosen_runs([])
    with pytest.raises(RunError, match="no trained model under checkpoints/: train one"):
        chosen_runs([], Direction(target="fr"))
    backward, forward = (
        shipped(package / "en-fr", "en", "fr"),
        shipped(package / "fr-en", "fr", "en"),
    )
    assert chosen_runs([]) == [forward]
    assert forward.described == "fr-en (came with nmt)"
    assert chosen_runs([], Direction(target="fr")) == [backward]
    assert chosen_runs([], Direction(source="en")) == [backward]
    own = trained(Path("checkpoints/own"))
    assert chosen_runs([]) == chosen_runs([], Direction("fr", "en")) == [own]
    assert chosen_runs([], Direction(target="fr")) == [backward]
    assert own.described == "checkpoints/own"


def test_what_came_with_nmt_is_known_by_its_name_unless_a_folder_has_it(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = shipped(package / "fr-en", "fr", "en")
    backward = shipped(package / "en-fr", "en", "fr")
    assert chosen_runs([Path("fr-en"), Path("en-fr")]) == [forward, backward]
    monkeypatch.setenv("NMT_MODEL", "en-fr")
    assert chosen_runs([]) == [backward]
    trained(Path("en-fr"))
    assert chosen_runs([]) == [RunDirectory(Path("en-fr"))]
    with pytest.raises(RunError, match="fr-de: there is no such folder"):
        chosen_runs([Path("fr-de")])


def test_in_a_checkout_a_shipped_model_is_not_the_latest_run_whatever_its_age(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.runs.finding._PACKAGE", Path("nmt").absolute())
    forward = shipped(Path("checkpoints/fr-en"), "fr", "en")
    assert chosen_runs([])[0].path == forward.path.absolute()
    with pytest.raises(RunError, match="no trained model under"):
        latest_run(Path("checkpoints"))
    with pytest.raises(RunError, match="no run under"):
        newest_run(Path("checkpoints"))
    own = exported(Path("checkpoints/en-fr"), "en", "fr")  # of that name, but without the mark
    os.utime(own.config_file, (1000, 1000))
    assert chosen_runs([]) == [own] == [newest_run(Path("checkpoints"))]


def test_among_trained_runs_the_latest_of_the_direction_is_taken(package: Path) -> None:
    for age, (name, source) in enumerate([("c", "fr"), ("b", "fr"), ("a", "de")]):
        run = exported(Path("checkpoints") / name, source, "en")
        os.utime(run.config_file, (1000 - age, 1000 - age))
    assert chosen_runs([], Direction("fr"))[0].path.name == "c"
    assert chosen_runs([], Direction("de"))[0].path.name == "a"
    shipped(package / "en-fr", "en", "fr")
    with pytest.raises(
        RunError,
        match=r"no model translates from fr to de: there is from fr to en \(checkpoints/c\), "
        r"from de to en \(checkpoints/a\), from en to fr \(en-fr \(came with nmt\)\): train one",
    ):
        chosen_runs([], Direction("fr", "de"))


def test_where_torch_is_not_to_be_needed_runs_without_export_are_passed_over(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = trained(Path("checkpoints/new"))
    forward = shipped(package / "fr-en", "fr", "en")
    assert chosen_runs([]) == [unfinished]
    assert chosen_runs([], without_torch=True) == [forward]
    older = exported(Path("checkpoints/old"), "fr", "en")
    os.utime(older.config_file, (1000, 1000))
    assert chosen_runs([]) == [unfinished]
    assert chosen_runs([], without_torch=True) == [older]
    assert chosen_runs([unfinished.path], without_torch=True) == [unfinished], "it is named"


def test_a_name_that_is_nearly_right_is_told_the_right_one(package: Path) -> None:
    shipped(package / "fr-en", "fr", "en")
    exported(Path("checkpoints/mine"), "fr", "en")
    for wrong, right in (("fr_en", "fr-en"), ("checkpoint/mine", "checkpoints/mine")):
        with pytest.raises(RunError, match=f"{wrong}: .* folder; did you mean {right}"):
            chosen_runs([Path(wrong)])


def test_the_interrupted_run_is_the_last_one_if_it_is_not_finished(
    tmp_path: Path,
) -> None:
    assert interrupted_run(tmp_path) is None
    create_run(tmp_path / "a", CONFIG)
    assert interrupted_run(tmp_path) is None, "there is nothing to go on from"
    run = trained(tmp_path / "b")
    assert interrupted_run(tmp_path) == run
    later = trained(tmp_path / "c")
    os.utime(later.model_file, (2e9, 2e9))
    os.utime(tmp_path / "a" / "config.toml", (3e9, 3e9))
    assert interrupted_run(tmp_path) == later, "the last one that has begun"
    os.utime(run.model_file, (4e9, 4e9))
    assert interrupted_run(tmp_path) == run
    run.card.write_text("done")
    assert interrupted_run(tmp_path) is None


def test_a_file_that_cannot_be_written_is_told_by_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "none" / "x.svg"
    with pytest.raises(OSError, match="No such file") as caught:
        write_atomically(file, b"x")
    assert caught.value.filename == str(file)


def test_a_named_model_has_to_translate_in_the_direction_that_is_asked_for(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = exported(Path("checkpoints/own"), "fr", "en")
    assert chosen_runs([run.path], Direction("fr", "en")) == [run]
    with pytest.raises(RunError, match="own: this model translates from fr to en, not to fr: name"):
        chosen_runs([run.path], Direction(target="fr"))
    monkeypatch.setenv("NMT_MODEL", str(run.path))
    with pytest.raises(RunError, match="own: this model translates from fr to en, not to fr: name"):
        chosen_runs([], Direction(target="fr"))


def with_bleu(run: RunDirectory, bleu: float) -> RunDirectory:
    """A run as if it had such a BLEU on its dev set."""
    kept = {"kind": "validation", "step": 9, "is_best": True, "bleu": bleu}
    worse = kept | {"step": 10, "is_best": False, "bleu": bleu / 2}
    run.metrics_file.write_text(f"{json.dumps(kept)}\n{json.dumps(worse)}\n")
    return run


def test_a_run_is_introduced_with_its_quality(package: Path) -> None:
    run = with_bleu(trained(Path("checkpoints/own")), 12.34)
    assert run.introduced == "checkpoints/own (dev BLEU 12.3, not finished)"
    run.card.write_text("a card of somebody's own\n")
    assert run.introduced == "checkpoints/own (dev BLEU 12.3)"
    run.card.write_text("| dev BLEU (greedy, cased) | 99.9 |\n")
    assert run.introduced == "checkpoints/own (dev BLEU 99.9)"
    run.card.unlink()
    run.metrics_file.unlink()
    assert run.introduced == "checkpoints/own (not finished)"
    forward = shipped(package / "fr-en", "fr", "en")
    assert forward.introduced == "fr-en (came with nmt)"
    forward.card.write_text("| | |\n|---|---|\n| BLEU | **55.1** (95% of resamples) |\n")
    assert forward.introduced == "fr-en (came with nmt, dev BLEU 55.1)"


def test_a_run_of_ones_own_is_preferred_however_little_it_has_learned(package: Path) -> None:
    shipped(package / "fr-en", "fr", "en")
    poor = with_bleu(trained(Path("checkpoints/poor")), 0.4)
    assert chosen_runs([]) == chosen_runs([], Direction("fr")) == [poor]


def test_nothing_is_written_into_a_model_that_came_with_nmt(package: Path) -> None:
    forward = shipped(package / "fr-en", "fr", "en")
    assert forward.hypotheses_file("a b") == Path("fr-en.hypotheses.a_b.txt")
    assert forward.report_file == Path("fr-en.report.html")
    own = trained(Path("checkpoints/own"))
    for file in (own.hypotheses_file("x"), own.report_file):
        assert file.parent == own.path


def test_codes_of_languages_may_be_in_capitals(package: Path) -> None:
    forward = shipped(package / "fr-en", "fr", "en")
    assert chosen_runs([], Direction("FR", "En")) == [forward]


@pytest.mark.parametrize("resume", [True, False])
def test_a_shipped_model_is_not_trained(package: Path, resume: bool) -> None:
    run = shipped(package / "fr-en", "fr", "en")
    with pytest.raises(RunError, match="fr-en: this model came with nmt and only translates"):
        plan_run(None, run.path, [], resume=resume)


def test_a_run_that_has_started_is_not_started_again(tmp_path: Path) -> None:
    run = trained(tmp_path)
    with pytest.raises(RunError, match="an unfinished run here: go on with `nmt train --resume"):
        begin(run, CONFIG)
    run.card.write_text("done")
    for start in (begin, begin_tokenizer):
        with pytest.raises(RunError, match=r"a finished run here.*--set training\.epochs=N`"):
            start(run, CONFIG)
    assert run.joint_model.exists()
    run.config_file.write_text(to_toml(override(CONFIG, ["training.steps=70"])))
    with pytest.raises(RunError, match=r"a finished run here.*--set training\.steps=N`"):
        begin(run, CONFIG)


def test_a_checkpoint_alone_is_a_run_that_has_started(tmp_path: Path) -> None:
    run = create_run(tmp_path, CONFIG)
    assert not run.is_started
    replace_folder(run.last, OLD)
    assert run.is_started
    # killed while it was replaced
    run.last.rename(tmp_path / ".last.old")
    assert run.is_started


def test_files_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(RunError, match=r"README\.md: a run would overwrite this file"):
        create_run(tmp_path, CONFIG)
    (tmp_path / "README.md").unlink()
    (tmp_path / "config.toml").write_text("[theme]\ncolour = 3\n")
    with pytest.raises(ConfigError, match=r"config\.toml: unknown key theme"):
        create_run(tmp_path, CONFIG)
    assert "colour" in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize(
    "setting",
    [
        "seed=2",
        "corpus.max_ratio=4",
        "corpus.weight=2",
        "corpus.also.phrases.weight=2",
        "tokenizer.sampling=0.1",
        "model.dropout=0.2",
        "training.tokens_per_batch=99",
        "training.accumulate=2",
        "training.max_tokens=99",
        "training.ema_decay=0.9",
    ],
)
def test_what_a_run_is_made_of_cannot_change_while_it_goes_on(tmp_path: Path, setting: str) -> None:
    config = override(CONFIG, ["corpus.also.phrases.path=/there"])
    run = trained(tmp_path, config)
    key = setting.partition("=")[0]
    with pytest.raises(RunError, match=f"cannot go on with other settings: {key} is .*, now"):
        go_on(run, override(config, [setting]))
    assert run.config() == config


def test_a_finished_run_goes_on_with_more_epochs_and_not_without_a_change(tmp_path: Path) -> None:
    run = trained(tmp_path)
    run.card.write_text("done")
    replace_folder(run.last, OLD)
    assert go_on(run, CONFIG) == []
    longer = override(CONFIG, ["training.epochs=20", "training.learning_rate=5e-4"])
    assert go_on(run, longer) == [
        "training.epochs is 10 here, now 20",
        "training.learning_rate is 0.004 here, now 0.0005",
    ]
    assert run.config() == longer
    assert run.is_finished, "the card goes when the training really goes on"


def test_a_finished_run_without_its_checkpoint_is_left_as_it_is(tmp_path: Path) -> None:
    run = trained(tmp_path)
    run.card.write_text("done")
    shutil.rmtree(run.last, ignore_errors=True)
    assert go_on(run, CONFIG) == []
    with pytest.raises(RunError, match=r"without last/ it cannot go on with training\.epochs"):
        go_on(run, override(CONFIG, ["training.epochs=20"]))
    assert run.config() == CONFIG


@pytest.mark.parametrize(
    "setting",
    ["corpus.path=/elsewhere", "corpus.hub=a/b", "corpus.test=x", "corpus.also.phrases.path=/here"],
)
def test_a_corpus_may_move_while_a_run_goes_on(tmp_path: Path, setting: str) -> None:
    config = override(CONFIG, ["corpus.also.phrases.path=/there"])
    run = trained(tmp_path, config)
    assert len(go_on(run, override(config, [setting]))) == 1


def test_a_further_corpus_is_not_dropped_while_a_run_goes_on(tmp_path: Path) -> None:
    config = override(CONFIG, ["corpus.also.phrases.path=/there"])
    run = trained(tmp_path, config)
    with pytest.raises(RunError, match=r"corpus\.also\.phrases\.weight is 1\.0 here, now None"):
        go_on(run, override(config, ["corpus.also={}"]))


def test_a_tokenizer_of_other_settings_is_not_used(tmp_path: Path) -> None:
    run = create_run(tmp_path, CONFIG)
    run.joint_model.write_bytes(b"x")
    begin(run, override(CONFIG, ["model.dropout=0.1", "corpus.test=other", "corpus.weight=2"]))
    other = override(CONFIG, ["tokenizer.vocabulary_size=4000"])
    with pytest.raises(RunError, match=r"tokenizer\.vocabulary_size is 8000 here, now 4000"):
        begin(run, other)
    begin_tokenizer(run, other)
    assert not run.joint_model.exists()
    begin(run, other)


def test_one_process_at_a_time_writes_to_a_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "new")
    with (
        run.locked(),
        pytest.raises(RunError, match="another nmt process is writing to this run"),
        RunDirectory(run.path).locked(),
    ):
        raise AssertionError("two at a time")
    with run.locked():
        assert run.path.is_dir()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/run: cannot be made"):
        create_run(tmp_path / "file" / "run", CONFIG)


def test_names_of_hypotheses_files_stay_in_the_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.model_file.touch()
    assert run.hypotheses_file("test").name == "hypotheses.test.txt"
    assert run.hypotheses_file("../up/été 1.fr").parent == tmp_path


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two recipes."""
    for name, seed in (("starter", 3), ("mine", 4)):
        folder = tmp_path / "corpora" / name
        folder.mkdir(parents=True)
        (folder / "recipe.toml").write_text(f'seed = {seed}\n[corpus]\npath = "."\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_recipe_the_starter_is_planned_in_a_run_of_its_name(recipes: Path) -> None:
    run, config = plan_run(None, None, [], resume=False)
    assert run.path == Path("checkpoints/starter")
    assert (config.seed, config.corpus.path) == (3, str(recipes / "corpora" / "starter"))
    assert not run.path.exists()


def test_the_run_of_a_reversed_direction_is_another(recipes: Path) -> None:
    run, config = plan_run("mine", None, ["corpus.source=en"], resume=False)
    assert run.path == Path("checkpoints/mine-en-fr")
    assert config.corpus.target == "fr"


def test_resuming_without_a_recipe_takes_that_of_the_run(recipes: Path) -> None:
    own = RunConfig(seed=9, corpus=CorpusConfig(path="/somewhere"))
    for path in (Path("x"), Path("checkpoints/starter")):
        trained(path, own)
    assert plan_run(None, Path("x"), [], resume=True)[1] == own
    assert plan_run(None, None, [], resume=True)[1] == own
    assert plan_run(None, Path("x"), ["seed=1"], resume=True)[1].seed == 1
    assert plan_run("mine", Path("x"), [], resume=True)[1].seed == 4
    assert plan_run(None, Path("x"), [], resume=False)[1].seed == 3
    assert plan_run("mine", Path("new"), [], resume=True)[1].seed == 4


def test_a_run_that_is_not_there_is_not_gone_on_with_as_another(package: Path) -> None:
    trained(Path("checkpoints/starter"))
    trained(Path("mine/tatoeba"))
    for typo, meant in (
        ("checkpoints/startr", "did you mean checkpoints/starter? "),
        ("startr", "did you mean checkpoints/starter? "),
        ("mine/tatoeba-", "did you mean mine/tatoeba? "),
        ("new", ""),
    ):
        with pytest.raises(RunError) as caught:
            plan_run(None, Path(typo), [], resume=True)
        assert str(caught.value) == (
            f"{typo}: there is no run here to go on with: {meant}to start one here, name its "
            f"recipe: `nmt train RECIPE --resume --run {typo}`"
        )
    assert plan_run("starter", Path("new"), [], resume=True)[0].path == Path("new")


def test_what_was_set_for_a_machine_stays_with_the_run(package: Path) -> None:
    _, first = plan_run("starter", Path("x"), ["training.threads=1", "seed=9"], resume=False)
    create_run(Path("x"), first)
    _, again = plan_run("starter", Path("x"), [], resume=True)
    assert (again.training.threads, again.seed) == (1, RunConfig().seed)
    _, other = plan_run("starter", Path("x"), ["training.threads=2"], resume=True)
    assert other.training.threads == 2
    assert plan_run("starter", Path("x"), [], resume=False)[1].training.threads == 0


def test_a_removed_folder_stays_away_wherever_its_removal_or_an_earlier_change_died(
    tmp_path: Path, die_at: Callable[[int], None]
) -> None:
    """What a kill left beside it is not taken for it afterwards."""
    folder = tmp_path / "export"

    def replace(number: int) -> None:
        die_at(-1)
        for left in tmp_path.iterdir():
            shutil.rmtree(left)
        replace_folder(folder, OLD)
        die_at(number)
        replace_folder(folder, NEW)

    for _ in steps_until_done(replace):
        die_at(-1)
        remove_folder(folder)
        assert surviving_folder(folder) is None
        replace_folder(folder, OLD)
        assert contents(folder) == OLD

    def remove(number: int) -> None:
        die_at(-1)
        replace_folder(folder, OLD)
        die_at(number)
        remove_folder(folder)

    for number in range(1, 4):
        with suppress(Killed):
            remove(number)
        die_at(-1)
        survivor = surviving_folder(folder)
        assert survivor is None or contents(survivor) == OLD, "half of it is there"
        remove_folder(folder)
        assert surviving_folder(folder) is None


def test_a_fingerprint_is_that_of_the_export_wherever_a_kill_left_it(tmp_path: Path) -> None:
    run = trained(tmp_path)
    without = run.fingerprint()
    fingerprints = []
    for files in (OLD, NEW):
        replace_folder(run.export, files)
        fingerprints.append(run.fingerprint())
    assert len({without, *fingerprints}) == 3
    run.export.rename(run.path / ".export.new")
    assert run.fingerprint() == fingerprints[1]
    replace_folder(run.export, OLD)
    assert run.fingerprint() == fingerprints[0]


def test_better_weights_drop_what_was_exported_of_worse_ones(tmp_path: Path) -> None:
    run = trained(tmp_path)
    replace_folder(run.export, OLD)
    assert run.is_exported
    run.keep_weights(b"better")
    assert not run.is_exported
    assert run.model_file.read_bytes() == b"better"
    run.keep_weights(b"still better")
    assert run.is_trained


def test_an_export_alone_is_a_trained_run(tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    run.model_file.unlink()
    with pytest.raises(RunError, match="no weights yet"):
        open_run(run.path)
    replace_folder(run.export, OLD)
    assert open_run(run.path) == run
    assert latest_run(tmp_path).path == run.path


@pytest.mark.parametrize("joint", [True, False])
def test_a_copy_to_deploy_has_the_tokenizers_the_config_and_the_card(
    tmp_path: Path, joint: bool
) -> None:
    run = trained(
        tmp_path / "run",
        override(CONFIG, [f"tokenizer.joint={joint}".lower(), "model.shared_embeddings=false"]),
    )
    run.card.write_text("card")
    run.metrics_file.write_text("{}")
    replace_folder(run.last, OLD)
    replace_folder(run.export, OLD)
    copy = run.copy_to(tmp_path / "deep" / "copy")
    tokenizers = {"joint.model"} if joint else {"source.model", "target.model"}
    assert contents(copy.path).keys() == {"config.toml", "README.md"} | tokenizers
    assert copy.config() == run.config()
    run.finish("card", 33.25)
    again = run.copy_to(tmp_path / "again")
    assert (again.dev_bleu, run.introduced) == (33.25, f"{run.path} (dev BLEU 33.2)")
    with pytest.raises(RunError, match="copy: there is something here already: name a new folder"):
        run.copy_to(copy.path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file: cannot be made"):
        run.copy_to(tmp_path / "file")


def test_a_copy_to_deploy_does_not_tell_where_the_corpus_was(tmp_path: Path) -> None:
    places = [f"corpus.path={tmp_path}/mine", f"corpus.also.more.path={tmp_path}/more"]
    run = trained(tmp_path / "run", override(CONFIG, places))
    card = f"`{tmp_path}/mine`\n{to_toml(run.config())}"
    run.finish(card, 1.0)
    copy = run.copy_to(tmp_path / "copy")
    for content in contents(copy.path).values():
        assert str(tmp_path).encode() not in content
    assert copy.config() == override(run.config(), ["corpus.path=", "corpus.also.more.path="])
    assert copy.card.read_text().startswith("`mine`\n")


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"dev_bleu": "x"}', "[" * 9000, "1e999"])
def test_scores_that_are_damaged_are_not_told(tmp_path: Path, content: str) -> None:
    run = trained(tmp_path / "run", CONFIG)
    run.finish("card", 33.25)
    assert run.dev_bleu == 33.25
    run.scores_file.write_text(content)
    assert run.dev_bleu is None


def test_no_run_takes_the_name_of_a_model_that_came_with_nmt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("fr-en", "./en-fr"):
        with pytest.raises(RunError, match=r"is the name of a model that came with nmt.*--run "):
            plan_run("starter", Path(folder), [], resume=True)
    plan_run("starter", Path("runs/fr-en"), [], resume=True)
    own = trained(Path("fr-en"), CONFIG)  # by an earlier version
    assert plan_run(None, own.path, [], resume=True)[0] == own
    assert own.name == "./fr-en"


def test_runs_that_translate_together_translate_in_one_direction(tmp_path: Path) -> None:
    runs = [trained(tmp_path / name, CONFIG) for name in ("a", "b")]
    refuse_other_directions(runs, "and so")
    runs.append(trained(tmp_path / "c", override(CONFIG, ["corpus.source=en"])))
    with pytest.raises(
        RunError, match=r"c translates from en to fr, and .*a from fr to en: and so"
    ):
        refuse_other_directions(runs, "and so")
    assert Direction.of(runs[0]).turned == Direction.of(runs[2])


def test_a_config_that_changed_since_the_last_checkpoint_is_noticed(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", CONFIG)
    content = run.config_file.read_bytes()
    replace_folder(run.last, {"state.json": b"{}", "config.toml": content})
    assert go_on(run, run.config()) == []
    run.config_file.write_bytes(content.replace(b"seed = 1", b"seed = 3", 1))
    with pytest.raises(RunError, match="cannot go on with other settings: seed is 1 here, now 3"):
        go_on(run, run.config())
    run.config_file.write_bytes(content.replace(b"epochs = 10", b"epochs = 12", 1))
    assert go_on(run, run.config()) == ["training.epochs is 10 here, now 12"]
