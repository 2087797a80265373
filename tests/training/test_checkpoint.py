"""A checkpoint: everything a training needs to go on to the same bits, or a refusal by name."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from nmt.config import RunConfig
from nmt.data.batches import make_batch
from nmt.errors import RunError
from nmt.files import MANIFEST, read_folder, replace_folder
from nmt.training.checkpoint import TrainState, load_checkpoint, save_checkpoint
from nmt.training.learner import Learner

BATCH = make_batch([np.array([5, 6]), np.array([4])], [np.array([7, 8, 4]), np.array([6])])
STATE = TrainState(
    step=7,
    epoch=2,
    batch_in_epoch=3,
    batches_of_epoch=5,
    elapsed_s=1.1234567890123457,
    target_tokens=2**40,
    skipped=1,
    skipped_in_a_row=1,
    best_bleu=33.3,
    best_loss=1 / 3,
    best_step=6,
    stale_validations=1,
    is_untried=True,
    validation_s=0.1,
    validations=3,
    validated_step=6,
    pairs="0123abcd",
    is_guided=False,
)


def make(seed: int = 5, ema_decay: float = 0.9, **model: object) -> Learner:
    small = {"encoder_layers": 2, "decoder_layers": 2, "hidden_size": 4, "embedding_size": 3}
    small |= {"cell": "lstm", "dropout": 0.3, "tied_output": True}
    config = RunConfig.model_validate(
        {
            "seed": seed,
            "model": small | model,
            "training": {"precision": "fp32", "device": "cpu", "ema_decay": ema_decay},
        }
    )
    return Learner(config, 9, 9)


def bits(learner: Learner) -> dict[str, bytes]:
    return {
        f"{group}.{name}": tensor.detach().numpy().tobytes()
        for group, tensors in learner.tensors.items()
        for name, tensor in tensors.items()
    }


def refusal(folder: Path, learner: Learner) -> str:
    with pytest.raises(RunError) as caught:
        load_checkpoint(folder, learner.tensors)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(folder: Path, name: str, content: bytes | None) -> None:
    """Replace or remove a file and make the manifest right again: damage it cannot see."""
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    del files["manifest.json"]
    if content is None:
        del files[name]
    else:
        files[name] = content
    replace_folder(folder, files)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_learner_that_goes_on_from_a_checkpoint_ends_in_the_same_bits(
    decay: float, tmp_path: Path
) -> None:
    learner = make(ema_decay=decay)
    for seed in range(3):
        learner.step([BATCH], 0.02, seed)
    save_checkpoint(tmp_path / "last", STATE, learner.tensors)
    resumed = make(seed=99, ema_decay=decay)
    assert bits(resumed) != bits(learner)
    assert load_checkpoint(tmp_path / "last", resumed.tensors) == STATE
    assert bits(resumed) == bits(learner)
    for seed in range(3, 6):
        assert learner.step([BATCH], 0.02, seed) == resumed.step([BATCH], 0.02, seed)
    assert bits(resumed) == bits(learner)


def test_every_field_of_the_state_comes_back(tmp_path: Path) -> None:
    defaults = dataclasses.asdict(TrainState())
    changed = dataclasses.asdict(STATE)
    assert all(changed[name] != defaults[name] for name in defaults), "or its loss would not show"
    save_checkpoint(tmp_path / "last", STATE, {})
    assert load_checkpoint(tmp_path / "last", {}) == STATE


def test_the_last_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    learner = make()
    save_checkpoint(tmp_path / "last", TrainState(step=1), learner.tensors)
    learner.step([BATCH], 0.02, 1)
    save_checkpoint(tmp_path / "last", TrainState(step=2), learner.tensors)
    resumed = make(seed=99)
    assert load_checkpoint(tmp_path / "last", resumed.tensors).step == 2
    assert bits(resumed) == bits(learner)
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


def test_a_checkpoint_is_json_and_safetensors(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last", STATE, make().tensors)
    names = sorted(path.name for path in (tmp_path / "last").iterdir())
    assert names == [
        "average.safetensors",
        "manifest.json",
        "optimizer.safetensors",
        "state.json",
        "weights.safetensors",
    ]
    assert json.loads((tmp_path / "last" / "state.json").read_bytes())["step"] == 7


def test_no_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    assert str(tmp_path / "last") in refusal(tmp_path / "last", make())


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "optimizer.safetensors", "average.safetensors", "state.json"]
)
def test_a_damaged_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "last"
    save_checkpoint(folder, STATE, make().tensors)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1  # one bit, in the middle of a number
    (folder / name).write_bytes(content)
    assert name in refusal(folder, make())
    (folder / name).unlink()
    assert name in refusal(folder, make())


def test_a_checkpoint_of_another_model_is_refused_by_file_and_tensor(tmp_path: Path) -> None:
    folder = tmp_path / "last"
    save_checkpoint(folder, STATE, make().tensors)
    message = refusal(folder, make(embedding_size=6))
    assert "weights.safetensors" in message
    assert "has shape" in message
    message = refusal(folder, make(decoder_layers=3))
    assert "weights.safetensors" in message
    assert "decoder.layers.2" in message or "decoder.bridge.2" in message


def test_a_checkpoint_without_an_average_is_refused_where_one_is_asked_for(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last", STATE, make(ema_decay=0.0).tensors)
    assert "average.safetensors" in refusal(tmp_path / "last", make())


def test_optimizer_state_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    learner = make()
    learner.tensors["optimizer"]["decoder.output.bias.exp_avg"][0] = float("nan")
    save_checkpoint(tmp_path / "last", STATE, learner.tensors)
    message = refusal(tmp_path / "last", make())
    assert "optimizer.safetensors" in message
    assert "decoder.output.bias.exp_avg" in message


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'"text"', b"null", b"\xff\xfe", b'{"step": 1, "unheard_of": 2}'],
)
def test_a_state_that_is_none_is_refused_by_file(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "last"
    save_checkpoint(folder, STATE, make().tensors)
    rewrite(folder, "state.json", content)
    read_folder(folder, "copy it again")
    assert "state.json" in refusal(folder, make())


def test_a_folder_without_a_state_is_refused_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "last"
    save_checkpoint(folder, STATE, make().tensors)
    rewrite(folder, "state.json", None)
    assert "state.json" in refusal(folder, make())


def test_a_state_from_before_attention_was_guided_is_not_guided(tmp_path: Path) -> None:
    learner = make()
    save_checkpoint(tmp_path / "last", TrainState(), learner.tensors)
    assert load_checkpoint(tmp_path / "last", learner.tensors).is_guided
    files = {file.name: file.read_bytes() for file in (tmp_path / "last").iterdir()}
    files.pop(MANIFEST)
    state = json.loads(files["state.json"])
    del state["is_guided"]
    replace_folder(tmp_path / "last", files | {"state.json": json.dumps(state).encode()})
    assert not load_checkpoint(tmp_path / "last", learner.tensors).is_guided
