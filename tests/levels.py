"""Every way to run an operation. tests/conftest.py sets back what was set here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hpcmcodec import kernels


def every_way(*threads: int) -> Iterator[str]:
    """Sets every level of this machine with each number of threads; names what is set."""
    for level in kernels.available_levels():
        for count in threads:
            kernels.set_simd_level(level)
            kernels.set_threads(count)
            yield f"{level} on {count} threads"


def everywhere(operation: Callable[[], np.ndarray]) -> np.ndarray:
    """Run at every level on 1, 2 and 3 threads, require equal bits, and return the result."""
    first: np.ndarray | None = None
    for way in every_way(1, 2, 3):
        result = operation()
        if first is None:
            first = result
        assert result.shape == first.shape
        assert result.tobytes() == first.tobytes(), f"{way} differs"
    assert first is not None
    return first
