"""What the processes that tests/training/test_sums.py starts with torchrun add up, and how."""

import errno
import json
import sys
from pathlib import Path
from unittest.mock import patch

import torch

from nmt.training.distributed.allreduce import MemorySums, NetworkSums, Sums, shared_memory
from nmt.training.distributed.group import SeveralWorkers
from nmt.training.distributed.torchrun import joined

SHAPES = [(3, 2), (1,), (0,), (4,)]
ROUNDS = 30
TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def gradients(rank: int, turn: int) -> list[torch.Tensor]:
    """What a process has to add in a turn: such that sums are exact in bf16, in every order."""
    draw = torch.Generator().manual_seed(1000 * turn + rank)
    return [torch.randint(-42, 43, shape, generator=draw).float() for shape in SHAPES]


def added(sums: Sums, rank: int) -> list[list[list[float]]]:
    """The sums and the loss of each turn."""
    found = []
    for turn in range(ROUNDS):
        loss = torch.tensor(float(rank + turn))
        totals = sums.of(gradients(rank, turn), loss)
        found.append([*(each.flatten().tolist() for each in totals), [loss.item()]])
        for each in totals:
            assert each.dtype == torch.float32
    return found


def chosen(workers: SeveralWorkers) -> str:
    """How such processes would add up."""
    return type(workers._new_sums(11, torch.float32, torch.device("cpu"))).__name__


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    with joined() as workers:
        assert isinstance(workers, SeveralWorkers)
        numbers, rank = 11, workers.rank
        found: dict[str, object] = {}
        for dtype in TYPES.values():
            memory = shared_memory(MemorySums.size_bytes(numbers, dtype), workers.first_does)
            assert memory is not None
            found[f"memory {dtype}"] = added(MemorySums(memory, numbers, dtype), rank)
            network = NetworkSums(numbers, dtype, torch.device("cpu"))
            found[f"network {dtype}"] = added(network, rank)
        single = shared_memory(MemorySums.size_bytes(1, torch.float32), workers.first_does)
        assert single is not None
        total = MemorySums(single, 1, torch.float32).of([torch.ones(())], torch.zeros(()))
        found["one number"] = total[0].item()
        how = {
            "one machine": chosen(workers),
            "several": chosen(SeveralWorkers(rank, workers.count, rank == 0, is_one_machine=False)),
        }
        refused = PermissionError(errno.EACCES, "not here")
        for name, at, does in (
            ("one of them sees nothing", "pathlib.Path.open", refused if rank == 1 else Path.open),
            ("the first may not make files", "os.memfd_create", refused),
            ("the first may not make large files", "os.ftruncate", refused),
        ):
            with patch(at, side_effect=does, autospec=True):
                how[name] = chosen(workers)
        with patch("nmt.training.distributed.allreduce.hasattr", return_value=False, create=True):
            how["a system without such files"] = chosen(workers)
        found["chosen"] = how
        try:
            with patch("torch._foreach_copy_", side_effect=RuntimeError("one's own")):
                network.of(gradients(rank, 0), torch.zeros(()))
        except RuntimeError as error:
            found["failed with"] = str(error)
        (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
