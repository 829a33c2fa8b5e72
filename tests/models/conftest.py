"""Settings for all tests of models."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    """Torch's threads wait by spinning: next to another busy process, two are up to thirty times slower than one."""
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
