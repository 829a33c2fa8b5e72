"""A small model file for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.formats import model_file

CONFIG = {"family": "lite", "m": 8, "widths": [4, 6]}


PROGRAM = {"entries": {}}


def tables() -> dict[str, Any]:
    """Three rows of one, three and five symbols, each with an escape."""
    rows = [[0, 65000, 65536], [0, 9000, 56000, 65000, 65536], [0, 5000, 20000, 45000, 60000, 65000, 65536]]
    lengths = np.array([len(row) for row in rows], np.int32)
    return {
        "cdf": np.concatenate(rows).astype(np.int32),
        "starts": (np.cumsum(lengths) - lengths).astype(np.int32),
        "lengths": lengths,
        "offsets": np.array([0, -1, -2], np.int32),
        "y_thresholds": np.array([0.5, 1.5], np.float32),
        "z_thresholds": np.array([0.25], np.float32),
    }


def weights() -> dict[str, np.ndarray]:
    """One tensor of each stored type."""
    rng = np.random.default_rng(5)
    return {
        "a.weight": rng.normal(size=(4, 3, 1, 1)).astype(np.float16),
        "a.bias": rng.normal(size=4).astype(np.float32),
        "b.weight": rng.integers(-127, 128, (4, 5)).astype(np.int8),
        "b.weight.scale": np.array([0.1, 0.2, 0.3, 0.4], np.float32),
    }


def write(path: Path, name: str = "tiny", **changes: Any) -> bytes:
    """Write the small model; `changes` replace arguments of `model_file.write`."""
    arguments: dict[str, Any] = {"name": name, "config": CONFIG, "program": PROGRAM, "tensors": weights()}
    arguments |= tables() | changes
    return model_file.write(path, **arguments)
