"""Shared by the kernel tests: every level and thread count, and comparison of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from levels import everywhere

from hpcmcodec import kernels


@pytest.fixture(autouse=True)
def restore_runtime() -> Iterator[None]:
    """Leave level and threads as they were."""
    level, threads = kernels.simd_level(), kernels.get_threads()
    yield
    kernels.set_simd_level(level)
    kernels.set_threads(threads)


@pytest.fixture(name="everywhere")
def everywhere_fixture() -> Callable[[Callable[[], np.ndarray]], np.ndarray]:
    """Run an operation at every level and thread count, require equal bits, and return the result."""
    return everywhere
