"""The quick part of the hostile trials: nothing goes wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parent.parent / "benchmarks" / "hostile.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it measures as Linux does")


@pytest.mark.parametrize("kind", ["text", "server", "faults"])
def test_nothing_goes_wrong(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, HOSTILE, "--quick", "--only", kind], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
