"""What a training runs on: the processor, and the versions of what decides the numbers."""

import ctypes
import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

import nmt
from nmt.progress import counted

_PACKAGES = ("torch", "numpy", "sentencepiece", "sacrebleu")


def machine(device: torch.device, processes: int) -> str:
    """What learns, in words, such as ``AMD EPYC 9R14, 2 threads``."""
    if device.type == "cuda":
        name = str(torch.cuda.get_device_name(device))
        return name if processes == 1 else f"{processes} x {name}"
    return f"{_processor()}, {threads(processes)}"


def threads(processes: int) -> str:
    """How many threads learn, such as ``2 threads`` or ``4 processes of 1 thread``."""
    each = counted(torch.get_num_threads(), "thread")
    return each if processes == 1 else f"{processes} processes of {each}"


def versions() -> dict[str, str]:
    """Of nmt, of Python and of the packages that decide what a training becomes."""
    found = {"nmt": nmt.__version__, "Python": platform.python_version()}
    return found | {name: version(name) for name in _PACKAGES}


def give_back_memory() -> None:
    """Let the system have what the C library keeps of tensors that are gone.

    Every batch has another shape, so what one leaves behind hardly fits the next: without this the
    process grows for as long as it learns. Where the C library is not glibc, nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def _processor() -> str:
    """Its name by the kernel's account, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
