"""Settings of the whole process while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_settings(threads: int | None) -> Iterator[None]:
    """torch with so many threads, its random numbers kept apart, and without subnormals, which slow training down many
    times; float32 products on a GPU may use its faster formats."""
    before, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(threads or before)
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high")
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)
        torch.set_float32_matmul_precision(precision)
