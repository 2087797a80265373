"""What every test process has: one thread, no network, no clock, a cache that is not the user's."""

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports torch: two test processes with a thread a core each would fight for them.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GOMP_SPINCOUNT"] = "10000"  # as `nmt train` has it: who waits does not burn the core
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.pop("HF_DATASETS_CACHE", None)
os.environ["XDG_CACHE_HOME"] = str(Path(tempfile.gettempdir()) / f"nmt-tests-{os.getuid()}")
os.environ.pop("NMT_MODEL", None)

# A busy machine makes an example slow, not wrong.
settings.register_profile("nmt", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nmt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
