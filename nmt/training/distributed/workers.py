"""The processes that train one run together: this one alone, or several that share each batch.

Those of one machine are started by ``launch``; those of several machines by ``torchrun``, which
tells each its place in environment variables. Alone torch.distributed is not touched.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nmt.data.batches import Batch

Result = TypeVar("Result")


class Workers:
    """The processes of a training, seen from one of them; here it is alone.

    What all of them call they call in the same order, and it returns when all have.
    """

    rank = 0
    """Number of this process; 0 is the first, which decides and writes."""
    count = 1
    """How many there are."""

    @property
    def is_first(self) -> bool:
        """Whether this process decides for all, and is the one that writes."""
        return self.rank == 0

    @property
    def own_seed(self) -> tuple[int, ...]:
        """What to mix into a seed for draws of this process's own; nothing in the first."""
        return (self.rank,) if self.rank else ()

    def first_does(self, work: Callable[[], Result]) -> Result:
        """Let the first process do something, and give every one what came of it.

        Args:
            work: Returns values that JSON knows.
        """
        return work()

    def in_turn(self, work: Callable[[], Result]) -> Result:
        """Do something in every process: the first one before the others, for it may leave files.

        On a machine without the first one, one process goes before the rest of that machine.
        """
        return work()

    def take_from_first(self, tensors: Mapping[str, "Tensor"]) -> None:
        """Overwrite tensors with those of the first process."""

    def shares(self, batches: Sequence["Batch"]) -> list["Batch"]:
        """Of each batch this process's part; none of one with fewer sentences than processes."""
        return list(batches)

    def add_up(self, parameters: Sequence["Tensor"], loss: "Tensor", dtype: "torch.dtype") -> None:
        """Add up over the processes the gradients of the parameters, and the loss.

        Args:
            parameters: Their ``grad`` is replaced by the sum.
            loss: A scalar, which becomes the sum.
            dtype: In which the gradients travel.
        """

    def agree(self, elapsed_s: float, stops: bool) -> tuple[float, bool]:
        """What the clock of the first process says, and whether any was asked to stop."""
        return elapsed_s, stops


ALONE = Workers()
