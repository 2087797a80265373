"""Sums over three real processes, in shared memory and over the loopback network."""

import json
import sys
from typing import Any

import pytest
import torch

from tests.training import adding
from tests.training.test_several_processes import torchrun

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory without a name is Linux's"),
]
COUNT = 3


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the processes came to."""
    folder = tmp_path_factory.mktemp("sums")
    with torchrun(folder, "-m", "tests.training.adding", folder, count=COUNT) as process:
        _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(COUNT)]


@pytest.mark.parametrize(
    "how", [f"{where} torch.{kind}" for where in ("memory", "network") for kind in adding.TYPES]
)
def test_all_processes_have_the_sums_of_all(found: list[dict[str, Any]], how: str) -> None:
    for turn in range(adding.ROUNDS):
        addends = [adding.gradients(rank, turn) for rank in range(COUNT)]
        wanted = [
            torch.stack(each).sum(0).flatten().tolist() for each in zip(*addends, strict=True)
        ]
        wanted.append([0 + 1 + 2 + 3.0 * turn])
        for process in found:
            assert process[how][turn] == wanted


def test_fewer_numbers_than_processes_are_added_up(found: list[dict[str, Any]]) -> None:
    assert [process["one number"] for process in found] == [COUNT] * COUNT


def test_memory_is_shared_where_all_processes_see_it(found: list[dict[str, Any]]) -> None:
    for process in found:
        assert process["chosen"] == {
            "one machine": "MemorySums",
            "several": "NetworkSums",
            "one of them sees nothing": "NetworkSums",
            "the first may not make files": "NetworkSums",
            "the first may not make large files": "NetworkSums",
            "a system without such files": "NetworkSums",
        }


def test_an_error_of_ones_own_is_not_taken_for_a_lost_process(found: list[dict[str, Any]]) -> None:
    assert [process["failed with"] for process in found] == ["one's own"] * COUNT
