"""Another range of qualities for a variable-rate network: its tables, read at other slopes.

What depends on the quality in `lite` is linear in log(lambda) between anchors. Tables for a new range take the values
of the old ones at the new anchors, with the outer segments drawn on beyond the old ends; training does the rest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpcmcodec.errors import UsageError
from hpcmcodec.models.lite.layers import ANCHORS

from .initial import Start
from .slopes import Range, quality_of, slope_at


def with_range(start: Start, slopes: Range) -> Start:
    """The start with `slopes` as lambda of qualities 0 and 1. Raises UsageError for networks of one rate."""
    if not hasattr(start.config, "slopes"):
        raise UsageError("--range needs a network of variable rate")
    if slopes == start.config.slopes:
        return start
    old = [quality_of(slope_at(anchor / (ANCHORS - 1), slopes), start.config.slopes) for anchor in range(ANCHORS)]
    reading = np.stack([_weights(quality) for quality in old])
    arrays = {k: (reading @ v).astype(np.float32) if _is_table(k) else v for k, v in start.arrays.items()}
    return Start(replace(start.config, slopes=slopes), arrays, {**start.about, "range": list(slopes)})


def _is_table(name: str) -> bool:
    """Whether a parameter holds a row for each anchor."""
    return name == "log_s0" or name.endswith(".rows")


def _weights(quality: float) -> np.ndarray:
    """Weights (ANCHORS,) of the rows at a quality: linear interpolation, or extrapolation from the two outer rows."""
    position = quality * (ANCHORS - 1)
    first = int(np.clip(np.floor(position), 0, ANCHORS - 2))
    weights = np.zeros(ANCHORS)
    weights[first + 1] = position - first
    weights[first] = 1 - weights[first + 1]
    return weights
