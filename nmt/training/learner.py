"""The model as it learns: one step of gradient descent, wherever the batches come from."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from nmt.config import RunConfig
from nmt.data.batches import Batch
from nmt.data.guided_alignment import Guide
from nmt.errors import TrainingError
from nmt.model.seq2seq import Seq2Seq, build
from nmt.model.weights import named_weights
from nmt.text.tokenizer import PAD
from nmt.training.checkpoint import Tensors
from nmt.training.distributed.workers import ALONE, Workers
from nmt.training.loss import attention_cross_entropy, cross_entropy


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        loss: Mean cross-entropy of a target token with smoothed labels, in nats.
        gradient_norm: Before clipping.
        target_tokens: Target tokens learned from.
        is_skipped: The loss or the gradient was not finite, and the weights are as they were.
    """

    loss: float
    gradient_norm: float
    target_tokens: int
    is_skipped: bool


class Learner:
    """A model, its optimiser (Adam, Kingma and Ba 2015) and the average of its weights.

    Args:
        config: The run.
        source_vocabulary: Number of source subwords.
        target_vocabulary: Number of target subwords.
        workers: The processes that learn together, each from its share of a batch.

    Attributes:
        guide: Where attention would look; None while it is not told.
    """

    def __init__(
        self,
        config: RunConfig,
        source_vocabulary: int,
        target_vocabulary: int,
        workers: Workers = ALONE,
    ) -> None:
        self.config = config
        self.guide: Guide | None = None
        self.workers = workers
        self.device = _device(config.training.device)
        self.autocast_type = _autocast_type(config.training.precision, self.device)
        self.model: Seq2Seq = build(
            config.model, source_vocabulary, target_vocabulary, config.seed
        ).to(self.device)
        training = config.training
        is_halved = training.gradient_precision == "bf16"
        self._exchanged_type = torch.bfloat16 if is_halved else torch.float32
        self._parameters: list[Tensor] = list(self.model.parameters())
        self.optimizer = torch.optim.AdamW(
            self._parameters,
            lr=training.learning_rate,
            betas=(0.9, training.adam_beta2),
            eps=1e-8,
            weight_decay=training.weight_decay,
            fused=True,
        )
        # as Adam itself starts, but now, so that a checkpoint can fill it
        for parameter in self._parameters:
            self.optimizer.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=self.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        self._average = [p.detach().clone() for p in self._parameters] if training.ema_decay else []

    @property
    def precision(self) -> str:
        """The number format of matrix products, ``bf16`` or ``fp32``."""
        return "fp32" if self.autocast_type is None else "bf16"

    @property
    def emulates_bf16(self) -> bool:
        """Whether bf16 was asked for on an x86 processor without instructions for it."""
        is_x86 = self.device.type == "cpu" and platform.machine().lower() in ("x86_64", "amd64")
        return self.autocast_type is not None and is_x86 and not _multiplies_bf16(self.device)

    @property
    def parameters(self) -> int:
        """Numbers in the model."""
        return sum(weight.numel() for weight in named_weights(self.model).values())

    @property
    def tensors(self) -> Tensors:
        """Everything that a step changes, where it is in memory."""
        weights = named_weights(self.model)
        groups: Tensors = {"weights": weights, "optimizer": {}}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                groups["optimizer"][f"{name}.{key}"] = value
        if self._average:
            groups["average"] = dict(zip(weights, self._average, strict=True))
        return groups

    def step(self, batches: Sequence[Batch], rate: float, seed: int, guidance: float = 0.0) -> Step:
        """Learn from some batches whose gradients are added up.

        Args:
            batches: At least one, and the same in every process.
            rate: Learning rate.
            seed: Decides the dropout; the step is a pure function of its arguments and the
                weights.
            guidance: How much a target token's look at the source that differs from the guide's
                counts, beside its cross-entropy.
        """
        training = self.config.training
        torch.manual_seed(seed)
        self.model.train()
        tokens = sum(int((batch.target_out != PAD).sum()) for batch in batches)
        loss = torch.zeros((), device=self.device)
        for batch in self.workers.shares(batches):
            entropy, looks = self._read(batch, training.label_smoothing, training.r_drop)
            loss += entropy.detach() / tokens
            if guidance:
                entropy = entropy + guidance * self._unguided(batch, looks)
            (entropy / tokens).backward()  # type: ignore[no-untyped-call]
        self.workers.add_up(self._parameters, loss, self._exchanged_type)
        norm = self._clip(training.clip_norm)
        is_finite = bool(torch.isfinite(norm) & torch.isfinite(loss))
        if is_finite:
            self._move(rate)
        self.optimizer.zero_grad(set_to_none=True)
        return Step(loss.item(), norm.item(), tokens, not is_finite)

    def _clip(self, limit: float) -> Tensor:
        """Scale the gradient down to a norm of ``limit``, if not 0; returns what it was before."""
        learning = [(p, p.grad) for p in self._parameters if p.grad is not None]
        gradients = [gradient for _, gradient in learning]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        # seldom longer: to scale by 1 takes a pass over all, but to ask a GPU has it waited for
        if limit and (norm.device.type != "cpu" or bool(norm > limit)):
            # into memory of its own, for sums of several processes are in memory that they share
            scaled = torch._foreach_mul(gradients, torch.clamp(limit / (norm + 1e-6), max=1.0))
            for (parameter, _), gradient in zip(learning, scaled, strict=True):
                parameter.grad = gradient
        return norm

    def _move(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        if self._average:
            # An average that starts from the first steps, not from random weights: its decay
            # grows to the one asked for (as in TensorFlow's ExponentialMovingAverage).
            steps = float(self.optimizer.state[self._parameters[0]]["step"])
            decay = min(self.config.training.ema_decay, (1.0 + steps) / (10.0 + steps))
            with torch.no_grad():
                torch._foreach_lerp_(self._average, self._parameters, 1.0 - decay)

    def loss(self, batch: Batch, smoothing: float, r_drop: float = 0.0) -> Tensor:
        """Sum of the cross-entropy of a batch's target tokens, in nats; see `TrainingConfig`."""
        return self._read(batch, smoothing, r_drop)[0]

    def _read(self, batch: Batch, smoothing: float, r_drop: float) -> tuple[Tensor, Tensor | None]:
        """The loss of a batch, and where its target tokens looked."""
        source, lengths, target_in, target_out = (
            torch.from_numpy(array).to(self.device, non_blocking=True) for array in batch
        )
        if r_drop:  # twice, side by side: each row has a dropout of its own
            source, target_in = (torch.cat([ids, ids]) for ids in (source, target_in))
            lengths = torch.cat([lengths, lengths])
        with torch.autocast(
            self.device.type, self.autocast_type, enabled=self.autocast_type is not None
        ):
            outputs, looks = self.model(source, lengths, target_in)
        vocabulary = self.model.vocabulary
        loss = cross_entropy(
            outputs.flatten(0, 1),
            vocabulary.weight,
            vocabulary.bias,
            target_out.flatten(),
            smoothing,
            r_drop / 2,
        )
        return loss, looks

    def _unguided(self, batch: Batch, looks: Tensor | None) -> Tensor:
        """How far a batch's looks are from those of the guide, summed over target tokens."""
        if self.guide is None or looks is None:
            return torch.zeros((), device=self.device)
        wanted = torch.from_numpy(self.guide.looks(batch)).to(self.device, non_blocking=True)
        times = len(looks) // len(wanted)  # two where a batch is read twice
        return attention_cross_entropy(looks, wanted.repeat(times, 1, 1)) / times

    @contextmanager
    def evaluated_weights(self) -> Iterator[Seq2Seq]:
        """The model in evaluation mode, with the averaged weights if there are any."""
        self._exchange_average()
        self.model.eval()
        try:
            with torch.inference_mode():
                yield self.model
        finally:
            self._exchange_average()

    @torch.no_grad()
    def _exchange_average(self) -> None:
        """Swap the weights and their average, if there is one."""
        for average, parameter in zip(self._average, self._parameters, strict=False):
            learned = parameter.clone()
            parameter.copy_(average)
            average.copy_(learned)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainingError('training.device is "cuda", but torch finds no GPU: set it to "cpu"')
    return torch.device(name)


def _autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """The type of matrix products, None for float32 throughout."""
    if precision == "auto":
        precision = "bf16" if _multiplies_bf16(device) else "fp32"
    return torch.bfloat16 if precision == "bf16" else None


def _multiplies_bf16(device: torch.device) -> bool:
    """Whether the hardware has instructions for bf16: emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
