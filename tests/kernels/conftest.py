"""Shared by the kernel tests: every level and thread count, and comparison of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hpcmcodec import kernels

SCALAR_FIRST = kernels.available_levels()


@pytest.fixture(autouse=True)
def restore_runtime() -> Iterator[None]:
    """Leave level and threads as they were."""
    level, threads = kernels.simd_level(), kernels.get_threads()
    yield
    kernels.set_simd_level(level)
    kernels.set_threads(threads)


@pytest.fixture
def everywhere() -> Callable[[Callable[[], np.ndarray]], np.ndarray]:
    """Run an operation at every level on 1, 2 and 3 threads, require equal bits, and return the result."""

    def run(operation: Callable[[], np.ndarray]) -> np.ndarray:
        first: np.ndarray | None = None
        for level in SCALAR_FIRST:
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

    return run
