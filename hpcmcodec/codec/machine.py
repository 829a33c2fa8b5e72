"""The memory of this machine. Needs no numpy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROCESS_BYTES = 112 * 2**20
"""Interpreter, numpy, a model file's bytes, and the results that the kernels keep (docs/DECISIONS.md, entry 10)."""
FILE_BYTES = 13
"""Per pixel, while a picture is read or written: Pillow's (4), ours (3), the copy that is handed over (3), and the
whole file where it comes through a pipe and is not compressed (3); tests/codec/test_memory.py measures it."""


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the control group that the process is confined to."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return sys.maxsize
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(name).read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return total


def _windows_memory() -> int:
    import ctypes

    status = (ctypes.c_uint64 * 8)(64)  # MEMORYSTATUSEX: its size and the load, 32 bits each, then numbers of bytes
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status[1])


def readable(size: int) -> str:
    """A number of bytes as people write it: 640 MB, 2.1 GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
