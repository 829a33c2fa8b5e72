"""Settings of the whole process while it trains."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .config import RunConfig

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Options of glibc's mallopt."""


@contextmanager
def torch_settings(threads: int | None) -> Iterator[None]:
    """torch with so many threads, its random numbers kept apart, and without subnormals, which slow training down many
    times; float32 products on a GPU may use its faster formats."""
    before, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(threads or before)
    torch.set_flush_denormal(True)
    _keep_memory(True)
    torch.set_float32_matmul_precision("high")
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)
        _keep_memory(False)
        torch.set_float32_matmul_precision(precision)


def _keep_memory(keep: bool) -> None:
    """Whether the C library keeps what a step frees for the next step; fetching it anew from the system, page by page,
    takes a tenth of a step and more. Does nothing where the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another library; no handle of the process on Windows
        return
    if keep:
        settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1}
    else:  # what it comes to by itself where blocks are large
        settings = {_MMAP_MAX: 1 << 16, _MMAP_THRESHOLD: 1 << 25, _TRIM_THRESHOLD: 1 << 26}
    for option, value in settings.items():
        mallopt(option, value)


def uses_bfloat16(config: RunConfig) -> bool:
    """Whether the networks of a run compute in bfloat16 on this machine."""
    if config.precision == "auto":
        return _has_bfloat16(torch.device(config.device))
    return config.precision == "bfloat16"


def memory_format(config: RunConfig) -> torch.memory_format:
    """Order of pictures and weights in memory: bfloat16 is fastest with the channels last."""
    last = config.channels_last or uses_bfloat16(config)
    return torch.channels_last if last else torch.contiguous_format


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 natively; emulation would be slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # not in older versions
    return device.type == "cpu" and any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
