"""Devices: what is asked of the C library and of the processes."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_GROWTH = """
import ctypes, resource
from smearlab.training.devices import keep_memory
if {keep}:
    assert keep_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
size = 64 * 2**20
for _ in range(20):
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to keep memory")
def test_kept_memory_is_not_mapped_anew() -> None:
    """Twenty blocks of 64 MiB, one after another: kept, the first one's pages serve all of them."""
    faults = {}
    for keep in (False, True):
        code = _GROWTH.format(keep=keep)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        faults[keep] = int(done.stdout)
    assert faults[False] - faults[True] > 15 * 64 * 2**20 / 4096 / 512  # even where the system uses 2 MiB pages
