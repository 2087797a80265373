"""The loop: the same bits whatever happens, and an end that is reached."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor

from nmt.config import RunConfig, override
from nmt.data.batches import Batch
from nmt.data.bitext import read_split
from nmt.data.guided_alignment import Guide
from nmt.errors import RunError, TrainingError
from nmt.evaluation.metrics import bleu
from nmt.files import remove_folder
from nmt.runs.directory import RunDirectory
from nmt.runs.starting import create_run
from nmt.search.torch_stepper import TorchStepper
from nmt.text.tokenizer import EOS, UNK
from nmt.training import learner as learner_module
from nmt.training import schedule
from nmt.training.learner import Learner
from nmt.training.loop import Interrupted, seed_of
from nmt.training.progress import Progress, Reporter, Validation
from nmt.training.trainer import TrainingResult, train
from nmt.training.validation import DevSet
from nmt.translator.translator import Translator

pytestmark = pytest.mark.slow

STARTER = Path(__file__).parents[2] / "corpora" / "starter"

SETTINGS = [
    "tokenizer.vocabulary_size=400",
    "model.hidden_size=16",
    "model.embedding_size=8",
    "model.encoder_layers=1",
    "model.decoder_layers=1",
    "training.epochs=2",
    "training.tokens_per_batch=256",
    "training.learning_rate=1e-2",
    "training.checkpoint_every=5",
    "training.validation_sentences=8",
    "training.threads=1",
    "corpus.test=",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 pairs of the starter corpus, and 12 to try them on."""
    return _starter_pairs(tmp_path_factory.mktemp("corpus"), train=200, dev=12)


@pytest.fixture(scope="module")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pairs of it, of which an epoch has about ten batches, 30 others, and 12 to try them on."""
    return _starter_pairs(tmp_path_factory.mktemp("small corpus"), train=60, dev=12, test=30)


def _starter_pairs(folder: Path, **counts: int) -> Path:
    """The first pairs of each split."""
    for split, count in counts.items():
        for language in ("fr", "en"):
            text = (STARTER / f"{split}.{language}").read_text("utf-8").split("\n")[:count]
            (folder / f"{split}.{language}").write_text("\n".join(text) + "\n", "utf-8")
    return folder


class Listener(Reporter):
    """Remembers what it is told, and may interrupt."""

    def __init__(self) -> None:
        self.validations: list[Validation] = []
        self.reports: list[Progress] = []
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, progress: Progress) -> None:
        self.reports.append(progress)

    def validation(self, validation: Validation) -> None:
        self.validations.append(validation)


class Clock:
    """Seconds that pass in steps and in trying the weights alone, whatever the machine is doing.

    Args:
        patch: Undoes what is done to the trainer.
        step_s: Seconds of a step.
        trying_s: Seconds of trying the weights.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, step_s: float = 0.0, trying_s: float = 0.0
    ) -> None:
        self.now_s = 0.0
        patch.setattr(Learner, "step", self._lasting(Learner.step, step_s))
        patch.setattr(DevSet, "bleu", self._lasting(DevSet.bleu, trying_s))

    def __call__(self) -> float:
        return self.now_s

    def _lasting(self, work: Callable[..., object], seconds: float) -> Callable[..., object]:
        def done(*arguments: object) -> object:
            self.now_s += seconds
            return work(*arguments)

        return done


class Killed(Exception):
    """Stands for a kill: nothing of the trainer's catches it."""


def configured(corpus: Path, *settings: str) -> RunConfig:
    return override(RunConfig(), [*SETTINGS, f"corpus.path={corpus}", *settings])


def run_to_end(
    folder: Path,
    config: RunConfig,
    *,
    resume: bool = False,
    reporter: Reporter | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[RunDirectory, TrainingResult]:
    run = RunDirectory(folder) if resume else create_run(folder, config)
    return run, train(config, run, resume=resume, reporter=reporter or Listener(), clock=clock)


def kill_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """The process dies at the beginning of a step, with no chance to put anything in order."""
    learn, taken = Learner.step, 0

    def step(self: Learner, *arguments: object) -> object:
        nonlocal taken
        taken += 1
        if taken > steps:
            raise Killed
        return learn(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", step)


def same_weights(one: RunDirectory, other: RunDirectory) -> bool:
    files = ["weights.safetensors", "optimizer.safetensors"]
    return one.model_file.read_bytes() == other.model_file.read_bytes() and all(
        (one.last / file).read_bytes() == (other.last / file).read_bytes() for file in files
    )


def validations(run: RunDirectory) -> list[tuple[int, float, float, bool]]:
    lines = [json.loads(line) for line in run.metrics_file.read_text("utf-8").splitlines()]
    return [
        (line["step"], line["loss"], line["bleu"], line["is_best"])
        for line in lines
        if line["kind"] == "validation"
    ]


VARIANTS = {
    "plain": [],
    "bf16": ["training.precision=bf16"],
    "noise": ["training.noise=0.5"],
    "unguided": ["training.guided_attention=0.0"],
    "word dropout": ["training.word_dropout=0.2", "model.layer_norm=true"],
    "two corpora": [
        "corpus.weight=0.7",
        "corpus.also.more.path={corpus}",
        "corpus.also.more.train=test",
        "corpus.also.more.weight=1.5",
    ],
    "scans": [
        "training.precision=bf16",
        'model.cell=["sru", "mingru"]',
        "model.encoder_layers=2",
        "model.decoder_layers=2",
    ],
    "wide": ["training.precision=bf16", "model.hidden_size=512"],
    "fed": ["training.precision=bf16", "model.input_feeding=true"],
    "two threads": ["training.threads=2", "training.precision=bf16", "model.hidden_size=64"],
    "everything": [
        "training.accumulate=2",
        "training.epochs=4",
        "training.validation_sentences=4",
        "training.ema_decay=0.9",
        "training.validate_every=3",
        "tokenizer.sampling=0.1",
        "training.noise=0.3",
        "training.word_dropout=0.1",
        "model.input_feeding=true",
        'model.cell="gru-cho"',
        "model.dropout_shared_over_time=true",
    ],
}


needs_bf16 = pytest.mark.skipif(
    not learner_module._multiplies_bf16(torch.device("cpu")),
    reason="without instructions for bf16 this takes minutes",
)


@pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=needs_bf16 if name == "wide" else ()) for name in VARIANTS],
)
def test_a_killed_and_resumed_run_ends_in_the_same_bits(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    settings = [setting.replace("{corpus}", str(small_corpus)) for setting in VARIANTS[variant]]
    config = configured(small_corpus, *settings)
    whole, result = run_to_end(tmp_path / "whole", config)
    assert result.steps > 15
    cut = create_run(tmp_path / "cut", config)
    # before the first checkpoint, between two, just after one, and in the second epoch
    for steps in (3, 6, 1, 7):
        with monkeypatch.context() as patch:
            kill_after(patch, steps)
            with pytest.raises(Killed):
                train(config, cut, resume=True, reporter=Listener())
    again, resumed = run_to_end(cut.path, config, resume=True)
    assert (resumed.steps, resumed.step, resumed.bleu) == (result.steps, result.step, result.bleu)
    assert same_weights(whole, again)
    assert validations(whole) == validations(again)


def test_words_are_dropped_from_what_is_read_and_others_in_each_epoch(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, met = Learner.step, []

    def step(self: Learner, batches: list[Batch], *arguments: object) -> object:
        met.extend(batches)
        return learn(self, batches, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", step)
    run_to_end(tmp_path / "run", configured(corpus, "training.word_dropout=0.2"))
    for side in ("source", "target_in"):
        read = np.concatenate([getattr(batch, side).ravel() for batch in met])
        assert (read[read > EOS] == UNK).mean() == pytest.approx(0.2, abs=0.02)
    assert not any((batch.target_out == UNK).any() for batch in met)
    # by what is to be said, each pair is met twice; what is read of it is then not the same
    lines: dict[bytes, set[bytes]] = {}
    for batch in met:
        for target_in, target_out in zip(batch.target_in, batch.target_out, strict=True):
            said = target_out[target_out > EOS].tobytes()
            lines.setdefault(said, set()).add(target_in[target_in > EOS].tobytes())
    assert sum(len(ways) > 1 for ways in lines.values()) > 0.5 * len(lines)


def test_a_run_does_not_go_on_where_the_same_pairs_are_met_more_often(
    corpus: Path, tmp_path: Path
) -> None:
    # The same pairs in the same order, but another share of them in the heavier corpus.
    config, other = (
        configured(
            _divided(corpus, tmp_path / str(lines), lines), "corpus.weight=2", "training.epochs=1",
            f"corpus.also.rest.path={tmp_path / str(lines) / 'rest'}",
        )
        for lines in (150, 151)
    )  # fmt: skip
    run, _ = run_to_end(tmp_path / "run", config)
    with pytest.raises(RunError, match="its training pairs have changed since step"):
        train(other, run, resume=True, reporter=Listener())


def _divided(corpus: Path, folder: Path, lines: int) -> Path:
    (folder / "rest").mkdir(parents=True)
    for language in ("fr", "en"):
        shutil.copy(corpus / f"dev.{language}", folder)
        text = (corpus / f"train.{language}").read_text("utf-8").splitlines(True)
        (folder / f"train.{language}").write_text("".join(text[:lines]), "utf-8")
        (folder / "rest" / f"train.{language}").write_text("".join(text[lines:]), "utf-8")
    return folder


def test_two_runs_of_one_seed_are_the_same_bits_and_of_another_are_not(
    small_corpus: Path, tmp_path: Path
) -> None:
    config = configured(small_corpus, "training.epochs=1")
    one, _ = run_to_end(tmp_path / "one", config)
    two, _ = run_to_end(tmp_path / "two", config)
    other, _ = run_to_end(tmp_path / "other", override(config, ["seed=2"]))
    assert same_weights(one, two)
    assert not same_weights(one, other)


def test_kill_9_at_any_moment_loses_nothing(small_corpus: Path, tmp_path: Path) -> None:
    config = configured(small_corpus, "training.checkpoint_every=1")
    whole, _ = run_to_end(tmp_path / "whole", config)
    folder = tmp_path / "cut"
    settings = [*SETTINGS, f"corpus.path={small_corpus}", "training.checkpoint_every=1"]
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("")
    command = [sys.executable, "-m", "nmt", "train", str(recipe), "--run", str(folder), "--resume"]
    for setting in settings:
        command += ["--set", setting]
    for steps in (1, 5, 11):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as job:
            wait_for_step(folder, steps, job)
            job.send_signal(signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert same_weights(whole, RunDirectory(folder))


def wait_for_step(folder: Path, step: int, job: "subprocess.Popen[bytes]") -> None:
    state = folder / "last" / "state.json"
    give_up = time.monotonic() + 600
    while time.monotonic() < give_up and job.poll() is None:
        try:
            if json.loads(state.read_bytes())["step"] >= step:
                return
        except (OSError, ValueError):
            time.sleep(0.002)
    pytest.fail(f"the training did not come to step {step}")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_request_saves_and_the_rest_gives_the_same_bits(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    config = configured(small_corpus)
    whole, _ = run_to_end(tmp_path / "whole", config)
    cut = create_run(tmp_path / "cut", config)
    learn, taken = Learner.step, 0

    def step(self: Learner, *arguments: object) -> object:
        nonlocal taken
        taken += 1
        if taken == 7:
            os.kill(os.getpid(), stop)
        return learn(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", step)
    before = signal.getsignal(stop)
    with pytest.raises(Interrupted):
        train(config, cut, resume=False, reporter=Listener())
    assert signal.getsignal(stop) == before
    assert json.loads((cut.last / "state.json").read_bytes())["step"] == 7
    again, _ = run_to_end(cut.path, config, resume=True)
    assert same_weights(whole, again)


@pytest.mark.parametrize("part", ["loss", "translations"])
def test_a_stop_request_ends_a_validation_which_is_done_anew(
    part: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(corpus)
    listened = Listener()
    whole, _ = run_to_end(tmp_path / "whole", config, reporter=listened)
    read: list[int] = []

    def stopping(done: Callable[..., object]) -> Callable[..., object]:
        def read_batch(*given: object, **named: object) -> object:
            if "smoothing" in named or part == "translations":
                read.append(len(read))
                os.kill(os.getpid(), signal.SIGTERM)
            return done(*given, **named)

        return read_batch

    cut = create_run(tmp_path / "cut", config)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        if part == "loss":
            patch.setattr(Learner, "loss", stopping(Learner.loss))
        else:
            patch.setattr(TorchStepper, "start", stopping(TorchStepper.start))
        train(config, cut, resume=False, reporter=Listener())
    assert read == [0]
    first = listened.validations[0].step
    state = json.loads((cut.last / "state.json").read_bytes())
    assert (state["step"], state["is_untried"], state["validations"]) == (first, True, 0)
    heard = Listener()
    again, _ = run_to_end(cut.path, config, resume=True, reporter=heard)
    assert same_weights(whole, again)
    assert [(v.step, v.bleu, v.loss) for v in heard.validations] == [
        (v.step, v.bleu, v.loss) for v in listened.validations
    ]


def test_a_dev_pair_of_any_length_is_tried_in_pieces_that_the_model_learns_from(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = shutil.copytree(corpus, tmp_path / "longer")
    for side in ("fr", "en"):
        with (longer / f"dev.{side}").open("a") as file:
            file.write("le chat voit le chien " * 300 + "\n")
    read: list[int] = []
    loss, start = Learner.loss, TorchStepper.start

    def measured(self: Learner, batch: Batch, smoothing: float, r_drop: float = 0.0) -> Tensor:
        read.extend((batch.source.shape[1], batch.target_out.shape[1]))
        return loss(self, batch, smoothing, r_drop)

    def measured_start(self: TorchStepper, source: Any, *given: Any) -> Any:
        read.append(source.shape[1])
        return start(self, source, *given)

    monkeypatch.setattr(Learner, "loss", measured)
    monkeypatch.setattr(TorchStepper, "start", measured_start)
    config = configured(longer, "training.max_tokens=60", "training.epochs=1")
    heard = Listener()
    run_to_end(tmp_path / "run", config, reporter=heard)
    assert max(read) == 61
    assert np.isfinite(heard.validations[-1].loss)


def test_validation_says_what_eval_says_of_a_corpus_of_numbers(
    corpus: Path, tmp_path: Path
) -> None:
    numbered = tmp_path / "numbered"
    numbered.mkdir()
    for split in ("train", "dev"):
        for side in ("fr", "en"):
            lines = (corpus / f"{split}.{side}").read_text().splitlines()
            numbers = [str(100 + number % 900) for number in range(len(lines))]
            if side == "en":
                numbers = [
                    " ".join("zero" if d == "0" else chr(96 + int(d)) for d in each)
                    for each in numbers
                ]
            texts = [f"{line} {each}\n" for line, each in zip(lines, numbers, strict=True)]
            (numbered / f"{split}.{side}").write_text("".join(texts))
    config = configured(numbered, "training.epochs=1", "search.beam=1")
    heard = Listener()
    run, _ = run_to_end(tmp_path / "run", config, reporter=heard)
    assert run.config().search.numbers == "free"
    assert any("numbers" in note for note in heard.notes)
    pairs = read_split(config.corpus, "dev")
    remove_folder(run.export)  # as it was tried: the weights themselves
    found = Translator.load(run).translate(pairs["source"])
    assert bleu([one.text for one in found], pairs["target"], "en") == pytest.approx(
        heard.validations[-1].bleu
    )
    kept, _ = run_to_end(
        tmp_path / "kept", override(config, ["search.numbers=keep"]), reporter=Listener()
    )
    assert kept.config().search.numbers == "keep"


def test_the_weights_kept_are_those_of_the_best_validation(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([1.0, 3.0, 2.0] + [0.5] * 100)  # the last weights are not the best
    translate = DevSet.bleu
    monkeypatch.setattr(DevSet, "bleu", lambda *given: (next(scores), translate(*given)[1]))
    config = configured(corpus, "training.epochs=4", "training.validate_every=20")
    listener = Listener()
    run, result = run_to_end(tmp_path / "run", config, reporter=listener)
    best = max(listener.validations, key=lambda each: (each.bleu, -each.loss))
    assert (result.step, result.bleu) == (best.step, best.bleu)
    assert best.step == 40 < result.steps
    kept, last = load_file(run.model_file), load_file(run.last / "weights.safetensors")
    assert any((kept[name] != last[name]).any() for name in kept)


def test_patience_ends_a_run_that_no_longer_gets_better(corpus: Path, tmp_path: Path) -> None:
    config = configured(
        corpus,
        "training.epochs=50",
        "training.learning_rate=1e-12",
        "training.validate_every=2",
        "training.patience=2",
        "training.schedule=constant",
    )
    listener = Listener()
    run_to_end(tmp_path / "run", config, reporter=listener)
    stale = [not each.is_best for each in listener.validations]
    assert stale[-2:] == [True, True]
    assert listener.validations[-1].epoch < 50


def test_steps_end_the_run_and_its_schedule_whatever_the_epochs(
    corpus: Path, tmp_path: Path
) -> None:
    config = configured(corpus, "training.epochs=1", "training.steps=70")
    listener = Listener()
    _, result = run_to_end(tmp_path / "run", config, reporter=listener)
    assert result.steps == 70
    assert listener.reports[-1].share == pytest.approx(60 / 70)
    assert listener.validations[-1].step == 70
    assert any("70 steps on" in note for note in listener.notes)


def test_a_time_budget_ends_the_run_whatever_the_epochs(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(corpus, "training.epochs=100000", "training.minutes=0.05")
    listener = Listener()
    clock = Clock(monkeypatch, step_s=1 / 32)
    _, result = run_to_end(tmp_path / "run", config, reporter=listener, clock=clock)
    # a fifth of the 3 seconds is kept for trying the weights
    assert (result.steps, result.elapsed_s) == (77, 77 / 32), "the first step after 2.4 s"
    assert len(listener.reports) == 3
    rates = [report.rate for report in listener.reports]
    assert rates == sorted(rates, reverse=True), "the schedule is planned over the minutes"


def test_a_short_time_budget_goes_into_learning_and_not_into_trying(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, step_s=0.05, trying_s=0.5)
    config = configured(corpus, "training.epochs=1", "training.minutes=0.05")
    listener = Listener()
    run_to_end(tmp_path / "first", config, reporter=listener, clock=clock)
    (last,) = listener.validations
    assert 0.7 * 3.0 < last.elapsed_s - 0.5 < 3.0, "it learned for most of the 3 seconds"

    # once it is known how long one takes, the time for all of them is limited
    monkeypatch.setattr(schedule, "_SECONDS_OF_A_VALIDATION", 0.1)
    config = configured(corpus, "training.epochs=1", "training.minutes=0.1")
    run_to_end(tmp_path / "second", config, reporter=(listener := Listener()), clock=clock)
    assert 2 <= len(listener.validations) <= 4
    assert listener.validations[-1].elapsed_s < 6.0


def test_a_time_budget_is_tried_ten_times_and_what_is_kept_is_saved(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, step_s=6.0)
    config = configured(
        corpus, "training.epochs=1", "training.minutes=10", "training.checkpoint_every=100000"
    )
    listener = Listener()
    run = create_run(tmp_path / "run", config)
    states: list[int] = []

    def look(validation: Validation) -> None:
        Listener.validation(listener, validation)
        state = run.last / "state.json"
        states.append(json.loads(state.read_bytes())["best_step"] if state.exists() else 0)

    listener.validation = look  # type: ignore[method-assign]
    train(config, run, resume=False, reporter=listener, clock=clock)
    assert 8 <= len(listener.validations) <= 11
    best = [0]
    for validation in listener.validations[:-1]:
        best.append(validation.step if validation.is_best else best[-1])
    assert states == best, "at each validation the last best one is in the checkpoint"


def test_bf16_where_the_processor_has_none_is_told(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner_module, "_multiplies_bf16", lambda device: False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    listener = Listener()
    config = configured(corpus, "training.precision=bf16", "training.epochs=1")
    run_to_end(tmp_path / "run", config, reporter=listener)
    assert any('training.precision = "fp32" is faster' in note for note in listener.notes)


def test_a_run_does_not_go_on_with_other_training_pairs(corpus: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(corpus, moved)
    config = configured(corpus, "training.epochs=1")
    run, _ = run_to_end(tmp_path / "run", config)
    longer = override(config, ["training.epochs=2", f"corpus.path={moved}"])
    with (moved / "train.en").open("r+") as file:
        file.write("Another")
    before = run.model_file.read_bytes()
    with pytest.raises(RunError, match=r"training pairs have changed since step \d+"):
        train(longer, run, resume=True, reporter=Listener())
    assert run.model_file.read_bytes() == before
    shutil.copytree(corpus, moved, dirs_exist_ok=True)
    assert train(longer, run, resume=True, reporter=Listener()).steps > 5


def test_steps_that_are_not_finite_are_skipped_counted_and_at_last_stop_the_run(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(corpus, "training.max_skipped_steps=4")
    run = create_run(tmp_path / "run", config)
    read, calls = Learner._read, 0

    def sometimes_nan(self: Learner, *arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        loss, looks = read(self, *arguments, **options)  # type: ignore[arg-type]
        return loss * float("nan") if calls in (3, 4) or calls > 7 else loss, looks

    monkeypatch.setattr(Learner, "_read", sometimes_nan)
    with pytest.raises(TrainingError, match=r"4 steps in a row, up to step 11"):
        train(config, run, resume=False, reporter=Listener())
    state = json.loads((run.last / "state.json").read_bytes())
    # steps 3 and 4 were skipped, and of those from 8 on, three before the checkpoint
    assert (state["step"], state["skipped"]) == (10, 5)
    weights = load_file(run.last / "weights.safetensors")
    assert all((abs(values) < 1e6).all() for values in weights.values())


def test_training_longer_goes_on_from_a_finished_run(corpus: Path, tmp_path: Path) -> None:
    config = configured(corpus, "training.epochs=1")
    run, first = run_to_end(tmp_path / "run", config)
    same = train(config, run, resume=True, reporter=Listener())
    assert same.steps == first.steps, "nothing is left to do"
    longer = override(config, ["training.epochs=2"])
    second = train(longer, run, resume=True, reporter=Listener())
    assert second.steps > first.steps


def guided_steps(monkeypatch: pytest.MonkeyPatch, *runs: Callable[[], object]) -> list[list[float]]:
    """How much attention was guided in each step of some trainings."""
    learn, found = Learner.step, [list[float]() for _ in runs]

    for run, seen in zip(runs, found, strict=True):

        def step(
            self: Learner,
            batches: list[Batch],
            rate: float,
            seed: int,
            guidance: float,
            seen: list[float] = seen,
        ) -> object:
            assert (self.guide is not None) == (guidance > 0.0)
            seen.append(guidance)
            return learn(self, batches, rate, seed, guidance)

        with monkeypatch.context() as patch:
            patch.setattr(Learner, "step", step)
            run()
    return found


def test_attention_is_guided_for_a_quarter_of_a_run_and_never_after_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(corpus, "training.epochs=4", "training.guided_attention=0.8")
    longer = override(config, ["training.epochs=17"])
    run = create_run(tmp_path / "run", config)
    first, then = guided_steps(
        monkeypatch,
        lambda: train(config, run, resume=False, reporter=Listener()),
        lambda: train(longer, run, resume=True, reporter=Listener()),
    )
    quarter = len(first) // 4
    assert first[:quarter] == pytest.approx([0.8 * (1 - i / quarter) for i in range(quarter)])
    assert first[quarter:] == [0.0] * (len(first) - quarter)
    assert then and not any(then), "though not a quarter of 17 epochs is over"


@pytest.mark.parametrize("setting", ["training.guided_attention=0", "model.attention=none"])
def test_attention_is_not_guided_where_it_is_not_to_be_or_where_there_is_none(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    learned: list[object] = []
    monkeypatch.setattr(Guide, "of", lambda *asked: learned.append(asked))
    run_to_end(tmp_path / "run", configured(corpus, setting, "training.epochs=1"))
    assert not learned


def test_guided_runs_become_others(corpus: Path, tmp_path: Path) -> None:
    configs = [configured(corpus, f"training.guided_attention={weight}") for weight in (0, 1)]
    one, other = (run_to_end(tmp_path / str(n), config)[0] for n, config in enumerate(configs))
    assert not same_weights(one, other)


def test_a_training_outside_the_main_thread_leaves_signals_alone(
    corpus: Path, tmp_path: Path
) -> None:
    config = configured(corpus, "training.epochs=1")
    results: list[TrainingResult] = []
    thread = threading.Thread(
        target=lambda: results.append(run_to_end(tmp_path / "run", config)[1])
    )
    thread.start()
    thread.join()
    assert results and results[0].steps > 0


def test_seeds_of_different_positions_differ() -> None:
    seeds = {seed_of(*position) for position in [(1, 2), (2, 1), (1, 2, 0), (1, 3), (12,)]}
    assert len(seeds) == 5


def test_tensorboard_gets_the_scalars_of_the_metrics_file(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = configured(corpus, "training.epochs=1", "training.tensorboard=true")
    run, _ = run_to_end(tmp_path / "run", config)
    events = EventAccumulator(str(run.tensorboard)).Reload()
    scalars = [(event.step, pytest.approx(event.value)) for event in events.Scalars("dev/bleu")]
    assert scalars == [(step, bleu) for step, _, bleu, _ in validations(run)]
    shown = {*events.Tags()["images"], *events.Tags()["tensors"]}
    assert shown & {"dev/attention", "dev/attention/text_summary"}, "or why there is no picture"


def test_a_run_says_what_it_was_trained_on_and_with(corpus: Path, tmp_path: Path) -> None:
    run, _ = run_to_end(tmp_path / "run", configured(corpus, "training.epochs=1"))
    session = json.loads(run.metrics_file.read_text("utf-8").splitlines()[0])
    assert (session["kind"], session["step"]) == ("session", 0)
    weights = load_file(run.model_file).values()
    assert session["parameters"] == sum(tensor.size for tensor in weights)
    pairs = len((corpus / "train.fr").read_text().splitlines())
    assert session["corpus"][0]["pairs"] == pairs
    assert session["versions"]["torch"] == torch.__version__
