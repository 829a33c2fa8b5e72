"""Shared by the kernel tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.levels import everywhere


@pytest.fixture(name="everywhere")
def everywhere_fixture() -> Callable[[Callable[[], np.ndarray]], np.ndarray]:
    """Run an operation at every level and thread count, require equal bits, and return the result."""
    return everywhere
