"""Every way to run an operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpcmcodec import kernels


def everywhere(operation: Callable[[], np.ndarray]) -> np.ndarray:
    """Run at every level on 1, 2 and 3 threads, require equal bits, and return the result."""
    first: np.ndarray | None = None
    for level in kernels.available_levels():
        for threads in (1, 2, 3):
            kernels.set_simd_level(level)
            kernels.set_threads(threads)
            result = operation()
            if first is None:
                first = result
            assert result.shape == first.shape
            assert result.tobytes() == first.tobytes(), f"{level} on {threads} threads differs"
    assert first is not None
    return first
