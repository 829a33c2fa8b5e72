"""The floating-point state around numpy operations."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec import kernels

torch = pytest.importorskip("torch")


def test_subnormals_survive_in_a_host_that_flushes_them() -> None:
    tiny = np.full(64, 1e-39, np.float32)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    try:
        assert not (tiny * np.float32(0.5)).any()
        with kernels.fp_environment():
            assert (tiny * np.float32(0.5)).all()
        assert not (tiny * np.float32(0.5)).any()
    finally:
        torch.set_flush_denormal(False)


def test_state_returns_after_an_error() -> None:
    torch.set_flush_denormal(True)
    try:
        with pytest.raises(KeyError), kernels.fp_environment():
            raise KeyError
        assert not (np.full(64, 1e-39, np.float32) * np.float32(0.5)).any()
    finally:
        torch.set_flush_denormal(False)
