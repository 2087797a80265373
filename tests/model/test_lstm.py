"""The LSTM whose gradients are written by hand, against torch's and against the loop."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from nmt.config import ModelConfig
from nmt.data.batches import make_batch
from nmt.model import decoder as decoder_module
from nmt.model import recurrence, shapes
from nmt.model.cells import Cell, LSTMCell, State
from nmt.model.lstm import lstm
from nmt.model.recurrence import loop, over_time, unroll
from nmt.model.seq2seq import build

INPUT, HIDDEN, ROWS = 3, 4, 5
Run = Callable[[LSTMCell, Tensor, State], tuple[Tensor, State]]


def make(hidden: int = HIDDEN, dtype: torch.dtype = torch.float64) -> LSTMCell:
    cell = LSTMCell(INPUT, hidden).to(dtype)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.uniform_(-0.7, 0.7, generator=generator).div_((hidden / HIDDEN) ** 0.5)
    return cell


def draw(steps: int, hidden: int = HIDDEN, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Inputs, and h and c before them."""
    generator = torch.Generator().manual_seed(steps)
    shapes = (ROWS, steps, INPUT), (ROWS, hidden), (ROWS, hidden)
    return [torch.randn(s, generator=generator, dtype=dtype).requires_grad_() for s in shapes]


@pytest.fixture(params=["plain", "rows added"])
def rows_may_be_added(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once as it is, once with rows behind those of a piece, as in bf16 where there are many."""
    if request.param == "rows added":
        monkeypatch.setattr(shapes, "_is_for_onednn", lambda vectors: True)
        monkeypatch.setattr(shapes, "_FEWEST", 1)
        monkeypatch.setattr(shapes, "_MULTIPLE", 7)


def in_pieces(sizes: Sequence[int]) -> Run:
    def run(cell: LSTMCell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        step = lstm(cell, inputs.dtype)
        outputs = []
        for piece in inputs.split(list(sizes), dim=1):
            output, state = step(piece, state)
            outputs.append(output)
        return torch.cat(outputs, dim=1), state

    return run


def by_torch(cell: LSTMCell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    theirs = torch.nn.LSTM(INPUT, HIDDEN, batch_first=True, bias=True, dtype=torch.float64)
    weights = dict(
        weight_ih_l0=cell.weight_input,
        weight_hh_l0=cell.weight_hidden,
        bias_ih_l0=cell.bias,
        bias_hh_l0=torch.zeros_like(cell.bias),
    )
    outputs, after = torch.func.functional_call(
        theirs, weights, (inputs, tuple(vector[None] for vector in state))
    )
    return outputs, tuple(vector[0] for vector in after)


def results(run: Run, cell: LSTMCell, vectors: Sequence[Tensor]) -> list[Tensor]:
    """Outputs and the state after, and the gradients of weights, inputs and the state before."""
    inputs, *state = vectors
    outputs, after = run(cell, inputs, tuple(state))
    values = [outputs, *after]
    loss = sum((v * torch.linspace(-1.0, 1.0, v.numel()).view_as(v)).sum() for v in values)
    gradients = torch.autograd.grad(loss, [*cell.parameters(), *vectors])
    return [*(value.detach() for value in values), *gradients]


@pytest.mark.usefixtures("rows_may_be_added")
@pytest.mark.parametrize("sizes", [[1], [6], [1] * 6, [2, 3, 1]])
@pytest.mark.parametrize("oracle", [by_torch, loop])
def test_values_and_gradients_are_those_of_torch_and_of_the_loop(
    sizes: list[int], oracle: Run
) -> None:
    cell, vectors = make(), draw(sum(sizes))
    found, wanted = (results(run, cell, vectors) for run in (in_pieces(sizes), oracle))
    for value, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("rows_may_be_added")
@pytest.mark.parametrize("sizes", [[3], [1, 2]])
def test_the_gradients_pass_gradcheck(sizes: list[int]) -> None:
    cell = make()

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, h, c, cell.weight_input, cell.weight_hidden, cell.bias = tensors  # type: ignore[assignment]
        outputs, after = in_pieces(sizes)(cell, inputs, (h, c))
        return (outputs, *after)

    weights = [torch.nn.Parameter(weight.detach().clone()) for weight in cell.parameters()]
    assert torch.autograd.gradcheck(run, (*draw(sum(sizes)), *weights))


def test_outputs_that_nobody_asks_for_leave_the_gradient_of_the_state() -> None:
    cell, (inputs, *state) = make(), draw(4)
    found = [
        torch.autograd.grad(run(cell, inputs, tuple(state))[1][1].sum(), list(cell.parameters()))
        for run in (in_pieces([4]), loop)
    ]
    for gradient, wanted in zip(*found, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-11, atol=1e-12)


def test_a_wide_lstm_in_bf16_stays_near_the_float32_loop() -> None:
    size = recurrence._WIDE_LSTM
    cell, vectors = make(size, torch.float32), draw(12, size, torch.float32)

    def in_bf16(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        with torch.autocast("cpu", torch.bfloat16):
            outputs, after = unroll(cell, inputs, state)
        assert "_StepsBackward" in str(outputs.grad_fn)
        return outputs.float(), tuple(vector.float() for vector in after)

    for value, wanted in zip(
        results(in_bf16, cell, vectors), results(loop, cell, vectors), strict=True
    ):
        assert value.dtype == torch.float32
        # bf16 keeps 8 bits: 0.4% a number, a few times that after 12 steps
        assert float((value - wanted).norm() / wanted.norm()) < 0.02


def test_what_does_not_learn_and_other_cells_take_the_kernels() -> None:
    cell = make(dtype=torch.float32)
    with torch.inference_mode():
        assert over_time(cell).func is unroll  # type: ignore[attr-defined]
    assert over_time(recurrence.GRUCell(INPUT, HIDDEN)).func is unroll  # type: ignore[attr-defined]


def test_an_input_fed_decoder_learns_as_from_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = dict(hidden_size=6, embedding_size=4, dropout=0.0, input_feeding=True, cell="lstm")
    model = build(ModelConfig.model_validate(sizes), 9, 9, seed=3)
    batch = make_batch([[4, 5], [6]], [[5, 6, 7], [8]])
    source, lengths, target_in, _ = map(torch.from_numpy, batch)

    def gradients() -> list[Tensor]:
        outputs, _ = model(source, lengths, target_in)
        return list(torch.autograd.grad(outputs.pow(2).sum(), list(model.decoder.parameters())))

    found = gradients()
    monkeypatch.setattr(
        decoder_module, "over_time", lambda cell: lambda *sequence: loop(cell, *sequence)
    )
    for gradient, wanted in zip(found, gradients(), strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("has_one", [False, True])
def test_where_onednn_has_no_lstm_in_bf16_ours_is_taken(
    monkeypatch: pytest.MonkeyPatch, has_one: bool
) -> None:
    taken = []
    monkeypatch.setattr(recurrence, "_has_no_lstm_in_bf16", lambda: not has_one)
    monkeypatch.setattr(recurrence, "lstm", lambda *_: lambda *_: taken.append("ours") or (0, 0))
    monkeypatch.setattr(
        "nmt.model.recurrence._VF.lstm", lambda *_: taken.append("theirs") or (0, [0], [0])
    )
    cell, (inputs, *state) = make(dtype=torch.float32), draw(3, dtype=torch.float32)
    unroll(cell, inputs, tuple(state))  # float32 is theirs either way
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        unroll(cell, inputs, tuple(state))
    assert taken == ["theirs", "theirs" if has_one else "ours"]
