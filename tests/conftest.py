"""Shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hpcmcodec import kernels


@pytest.fixture(autouse=True)
def restore_runtime() -> Iterator[None]:
    """Leave level and threads as they were."""
    level, threads = kernels.simd_level(), kernels.get_threads()
    yield
    kernels.set_simd_level(level)
    kernels.set_threads(threads)
