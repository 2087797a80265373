"""One step of learning, against Adam by hand over numerical gradients of the NumPy twin."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.config import RunConfig
from nmt.data.batches import Batch, make_batch
from nmt.data.guided_alignment import Guide
from nmt.errors import TrainingError
from nmt.training import learner as learner_module
from nmt.training.learner import Learner, Step
from tests import reference

VOCABULARY = 9
PAIRS = [([5, 6], [7]), ([4], [8, 4, 5]), ([7, 8, 4], [6, 6]), ([8], [5, 7, 7, 4])]


def batch(*numbers: int) -> Batch:
    """Some of the pairs above."""
    chosen = [PAIRS[number] for number in numbers]
    return make_batch(
        [np.array(source) for source, _ in chosen], [np.array(target) for _, target in chosen]
    )


def make(
    model: Mapping[str, object] | None = None, guide: Guide | None = None, **training: object
) -> Learner:
    small = {
        "cell": "lstm",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "attention": "general",
        "attention_query": "both",
        "hidden_size": 4,
        "embedding_size": 3,
        "dropout": 0.0,
        "embedding_dropout": 0.0,
        "initial_range": 0.5,
    }
    plain = {
        "precision": "fp32",
        "device": "cpu",
        "clip_norm": 0.0,
        "weight_decay": 0.0,
        "label_smoothing": 0.1,
        "ema_decay": 0.0,
    }
    config = RunConfig.model_validate(
        {"seed": 5, "model": small | dict(model or {}), "training": plain | training}
    )
    learner = Learner(config, VOCABULARY, VOCABULARY)
    learner.guide = guide
    return learner


def guide() -> Guide:
    """Of the pairs above."""
    sides = ([np.array(side) for side in which] for which in zip(*PAIRS, strict=True))
    return Guide.learn(*sides, (VOCABULARY, VOCABULARY))


def bits(learner: Learner) -> dict[str, bytes]:
    """Everything that a step changes."""
    return {
        f"{group}.{name}": tensor.detach().numpy().tobytes()
        for group, tensors in learner.tensors.items()
        for name, tensor in tensors.items()
    }


def weights(learner: Learner) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in learner.tensors["weights"].items()}


def in_numpy(learner: Learner) -> dict[str, np.ndarray]:
    return {name: tensor.double().numpy() for name, tensor in weights(learner).items()}


def sides(batch: Batch) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Source, target in and target out of each sentence, without padding."""
    for source, length, target_in, target_out in zip(*batch, strict=True):
        real = int((target_out != 0).sum())
        yield source[:length].tolist(), target_in[:real].tolist(), target_out[:real].tolist()


def twin_loss(
    config: RunConfig,
    weights: reference.Weights,
    batch: Batch,
    smoothing: float,
    guidance: float = 0.0,
) -> float:
    """Mean over the target tokens."""
    total, tokens = 0.0, 0
    for row, (source, target_in, target_out) in enumerate(sides(batch)):
        found = reference.translate(config.model, weights, source, target_in)
        total += reference.smoothed_cross_entropy(found.logits, target_out, smoothing)
        tokens += len(target_out)
        if guidance:
            assert found.looks is not None
            wanted = guide().looks(batch)[row, : len(target_out), : len(source)]
            total -= guidance * float((wanted * np.log(found.looks)).sum())
    return total / tokens


@pytest.mark.slow
@pytest.mark.parametrize("guidance", [0.0, 0.7])
def test_steps_are_adam_by_hand_over_numerical_gradients(guidance: float) -> None:
    settings = {"weight_decay": 0.1, "adam_beta2": 0.9, "label_smoothing": 0.2, "clip_norm": 0.4}
    model = {
        "cell": "rnn",
        "encoder_layers": 1,
        "decoder_layers": 1,
        "attention_query": "last",
        "tied_output": True,
    }
    learner = make(model, guide(), **settings)
    adam = reference.Adam(beta1=0.9, beta2=0.9, decay=0.1)
    expected = in_numpy(learner)
    norms = []
    for number, (rate, chosen) in enumerate([(0.02, (0, 1)), (0.05, (1, 2, 3)), (0.01, (0, 3))]):

        def loss(moved: reference.Weights, chosen: tuple[int, ...] = chosen) -> float:
            return twin_loss(learner.config, moved, batch(*chosen), 0.2, guidance)

        gradient = reference.numerical_gradient(loss, expected)
        norm = reference.norm(gradient)
        norms.append(norm)
        clipped = {name: value * min(1.0, 0.4 / norm) for name, value in gradient.items()}
        wanted_loss = twin_loss(
            learner.config, expected, batch(*chosen), 0.2
        )  # of the tokens alone
        expected = adam.step(expected, clipped, rate)

        step = learner.step([batch(*chosen)], rate, number, guidance)
        assert step.loss == pytest.approx(wanted_loss, rel=1e-5)
        assert step.gradient_norm == pytest.approx(norm, rel=1e-4), "of before clipping"
        assert step.target_tokens == sum(len(PAIRS[pair][1]) + 1 for pair in chosen)
        assert not step.is_skipped
        for name, value in in_numpy(learner).items():
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=2e-5, err_msg=name)
    assert min(norms) < 0.4 < max(norms), "some steps are clipped and some are not"


@pytest.mark.parametrize("clip_norm", [0.0, 0.05])
def test_accumulated_batches_are_one_step_on_the_joined_gradient(clip_norm: float) -> None:
    apart, together = make(clip_norm=clip_norm), make(clip_norm=clip_norm)
    # batches of 2 and of 9 target tokens: a mean of their means would be something else
    for seed in range(2):
        one = apart.step([batch(0), batch(1, 3)], 0.01, seed)
        other = together.step([batch(0, 1, 3)], 0.01, seed)
        assert one.target_tokens == other.target_tokens == 11
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-4)
    for name, tensor in weights(apart).items():
        torch.testing.assert_close(tensor, weights(together)[name], rtol=0, atol=1e-5)


def test_gradients_do_not_leak_from_one_step_into_the_next() -> None:
    learner = make()
    learner.step([batch(0)], 0.01, 1)
    assert all(parameter.grad is None for parameter in learner.model.parameters())


def assert_skipped(step: Step, learner: Learner, before: Mapping[str, bytes]) -> None:
    assert step.is_skipped
    assert bits(learner) == before
    assert all(parameter.grad is None for parameter in learner.model.parameters())


def test_a_loss_that_is_not_finite_skips_the_step_and_changes_nothing() -> None:
    poison = {"source_embedding.weight": (6, float("nan"))}  # subword 6 is in pair 0, not in 1
    learner, spared = make(ema_decay=0.9), make(ema_decay=0.9)
    for each in (learner, spared):
        each.step([batch(1)], 0.01, 1)
        for name, (row, value) in poison.items():
            each.tensors["weights"][name][row] = value
    before = bits(learner)
    step = learner.step([batch(1), batch(0)], 0.01, 2)
    assert_skipped(step, learner, before)
    assert not np.isfinite(step.loss)
    # and the next good step is as if the bad one had not been
    for each in (learner, spared):
        each.tensors["weights"]["source_embedding.weight"][6] = 0.1
        each.step([batch(1)], 0.01, 3)
    assert bits(learner) == bits(spared)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_a_gradient_that_is_not_finite_skips_the_step_though_the_loss_is(
    value: float, clip_norm: float
) -> None:
    learner = make(clip_norm=clip_norm)
    learner.step([batch(0)], 0.01, 1)
    before = bits(learner)
    hook = learner.model.decoder.output.bias.register_hook(lambda gradient: gradient * value)
    step = learner.step([batch(2)], 0.01, 2)
    hook.remove()
    assert np.isfinite(step.loss)
    assert not np.isfinite(step.gradient_norm)
    assert_skipped(step, learner, before)


DROPPING = {"dropout": 0.3, "embedding_dropout": 0.2, "cell": "gru"}


def test_one_seed_gives_the_same_bits_whatever_the_global_random_state() -> None:
    one, other = make(DROPPING, ema_decay=0.9), make(DROPPING, ema_decay=0.9)
    for seed in range(3):
        torch.manual_seed(seed)
        first = one.step([batch(0, 1, 2)], 0.01, seed)
        torch.rand(17)
        second = other.step([batch(0, 1, 2)], 0.01, seed)
        assert first == second
    assert bits(one) == bits(other)


def test_another_seed_of_a_step_drops_other_values() -> None:
    one, other = make(DROPPING), make(DROPPING)
    assert one.step([batch(0, 1)], 0.01, 1).loss != other.step([batch(0, 1)], 0.01, 2).loss
    assert bits(one) != bits(other)


def test_the_seed_of_the_run_decides_the_first_weights() -> None:
    learner = make()
    config = learner.config.model_copy(update={"seed": 6})
    other = Learner(config, VOCABULARY, VOCABULARY)
    assert bits(learner) == bits(make())
    assert bits(learner) != bits(other)


def test_the_average_is_the_recursion_by_hand() -> None:
    learner = make(ema_decay=0.28)
    average = {name: tensor.double() for name, tensor in weights(learner).items()}
    # min(0.28, (1 + t) / (10 + t)) for t = 1, 2, 3, 4: 2/11 = 0.18, 3/12 = 0.25, then 0.28
    for step, decay in enumerate([2 / 11, 3 / 12, 0.28, 0.28]):
        learner.step([batch(step)], 0.05, step)
        for name, tensor in weights(learner).items():
            average[name] = decay * average[name] + (1 - decay) * tensor.double()
            torch.testing.assert_close(
                learner.tensors["average"][name].double(), average[name], rtol=0, atol=1e-6
            )


def test_the_average_of_a_tied_model_has_each_table_once() -> None:
    learner = make({"tied_output": True}, ema_decay=0.5)
    tensors = learner.tensors
    assert tensors["average"].keys() == tensors["weights"].keys()
    for name, tensor in tensors["weights"].items():
        assert tensors["average"][name].shape == tensor.shape
        assert tensors["average"][name].data_ptr() != tensor.data_ptr()


def test_without_a_decay_there_is_no_average() -> None:
    assert "average" not in make().tensors


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_evaluated_weights_are_the_average_and_are_put_back_exactly(decay: float) -> None:
    learner = make(DROPPING, ema_decay=decay)
    for seed in range(3):
        learner.step([batch(seed)], 0.05, seed)
    before = bits(learner)
    wanted = {k: t.clone() for k, t in learner.tensors["average" if decay else "weights"].items()}
    with learner.evaluated_weights() as model:
        assert model is learner.model
        assert not any(module.training for module in model.modules())
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, wanted[name]), name
        # what is being trained is not lost meanwhile
        evaluated = learner.loss(batch(0, 1), 0.0)
        assert not evaluated.requires_grad
        assert evaluated.item() == learner.loss(batch(0, 1), 0.0).item(), "no dropout"
    assert bits(learner) == before


def test_weights_are_put_back_though_the_evaluation_fails() -> None:
    learner = make(ema_decay=0.9)
    learner.step([batch(0)], 0.05, 1)
    before = bits(learner)
    with pytest.raises(KeyboardInterrupt), learner.evaluated_weights():
        raise KeyboardInterrupt
    assert bits(learner) == before


def test_an_evaluation_between_steps_changes_nothing() -> None:
    one, other = make(DROPPING, ema_decay=0.9), make(DROPPING, ema_decay=0.9)
    for seed in range(3):
        first = one.step([batch(seed)], 0.02, seed)
        with other.evaluated_weights():
            other.loss(batch(1, 2), 0.0)
        second = other.step([batch(seed)], 0.02, seed)
        assert first == second
    assert bits(one) == bits(other)


def test_the_loss_of_a_batch_is_that_of_its_sentences_one_by_one() -> None:
    learner = make()
    together = learner.loss(batch(0, 1, 2, 3), 0.1).item()
    alone = [learner.loss(batch(number), 0.1).item() for number in range(4)]
    assert together == pytest.approx(sum(alone), rel=1e-5)
    wanted = [
        twin_loss(learner.config, in_numpy(learner), batch(number), 0.1)
        * (len(PAIRS[number][1]) + 1)
        for number in range(4)
    ]
    assert alone == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_bf16_learns_from_nearly_the_same_loss_and_gradient(guidance: float) -> None:
    wide, narrow = (
        make({"hidden_size": 32}, guide(), precision=precision) for precision in ("fp32", "bf16")
    )
    assert wide.autocast_type is None
    assert narrow.autocast_type == torch.bfloat16
    types = []
    narrow.model.decoder.register_forward_hook(lambda *call: types.append(call[-1][0].dtype))
    one, other = (
        learner.step([batch(0, 1, 2, 3)], 0.01, 1, guidance) for learner in (wide, narrow)
    )
    assert other.loss == pytest.approx(one.loss, rel=0.01)
    assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=0.03)
    assert types == [torch.bfloat16]
    assert all(tensor.dtype == torch.float32 for tensor in narrow.tensors["weights"].values())


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_two_passes_without_dropout_learn_what_one_does(guidance: float) -> None:
    once, twice = make(guide=guide()), make(guide=guide(), r_drop=5.0)
    found = [learner.step([batch(0, 1, 2)], 1e-2, 1, guidance) for learner in (once, twice)]
    assert found[1].loss == pytest.approx(found[0].loss)
    assert found[1].gradient_norm == pytest.approx(found[0].gradient_norm)
    assert found[1].target_tokens == found[0].target_tokens
    for name, weight in weights(twice).items():
        torch.testing.assert_close(weight, weights(once)[name], rtol=0, atol=1e-4)


def test_two_passes_with_dropout_lose_more_the_further_they_are_apart() -> None:
    dropped = {"dropout": 0.5}
    losses = [
        make(dropped, r_drop=alpha).step([batch(0, 1, 2)], 1e-2, seed=1).loss
        for alpha in (1e-9, 1.0, 2.0)
    ]
    assert losses[0] < losses[1] < losses[2]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-3)


def test_a_learner_learns_its_pairs_by_heart() -> None:
    learner = make({"hidden_size": 16, "embedding_size": 8}, label_smoothing=0.0, clip_norm=1.0)
    first = learner.step([batch(0, 1, 2, 3)], 0.02, 0).loss
    for seed in range(1, 60):
        last = learner.step([batch(0, 1, 2, 3)], 0.02, seed).loss
    assert first > 1.5
    assert last < 0.05


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match=r'training\.device is "cuda"'):
        make(device="cuda")
    assert make(device="auto").device.type == "cpu"


def test_what_has_no_attention_or_no_guide_learns_as_ever() -> None:
    for model, told in (({"attention": "none"}, guide()), ({}, None)):
        plain, guided = make(model), make(model, told)
        plain.step([batch(0, 1)], 0.01, 1)
        guided.step([batch(0, 1)], 0.01, 1, guidance=1.0)
        assert bits(plain) == bits(guided)


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["dot", "general", "additive", "multihead"])
def test_guided_attention_comes_to_look_where_the_guide_says(attention: str) -> None:
    model = {"attention": attention, "attention_heads": 2, "hidden_size": 16}
    off = []
    for guidance in (0.0, 1.0):
        learner = make(model, guide())
        for step in range(150):
            learner.step([batch(0, 1, 2, 3)], 0.02, step, guidance)
        source, lengths, target_in, _ = map(torch.from_numpy, batch(0, 1, 2, 3))
        with torch.inference_mode():
            _, looks = learner.model(source, lengths, target_in)
        wanted = torch.from_numpy(guide().looks(batch(0, 1, 2, 3)))
        off.append(float((looks - wanted)[wanted.sum(dim=2) > 0].abs().sum(dim=1).mean()))
    assert off[1] < 0.1 < 0.3 < off[0]


def test_accumulated_batches_are_guided_as_one() -> None:
    apart, together = make(guide=guide()), make(guide=guide())
    apart.step([batch(0, 1), batch(2, 3)], 0.01, 1, 1.0)
    together.step([batch(0, 1, 2, 3)], 0.01, 1, 1.0)
    for name, weight in weights(apart).items():
        torch.testing.assert_close(weight, weights(together)[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("has_bf16", [False, True])
def test_bf16_is_taken_where_there_is_hardware_for_it_or_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool
) -> None:
    monkeypatch.setattr(learner_module, "_multiplies_bf16", lambda device: has_bf16)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    learners = [make(precision=precision) for precision in ("auto", "fp32", "bf16")]
    low = torch.bfloat16
    assert [each.autocast_type for each in learners] == [low if has_bf16 else None, None, low]
    assert [each.emulates_bf16 for each in learners] == [False, False, not has_bf16]
