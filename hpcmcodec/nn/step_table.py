"""The quantiser's steps of the wavelet family, recorded so that no exponential decides what a file means."""

from __future__ import annotations

import numpy as np

# fmt: off
_LOWER = (
    0.5, 0.52213687, 0.5452539, 0.5693943, 0.59460354, 0.6209289, 0.6484198, 0.6771278,
    0.70710677, 0.7384131, 0.7711054, 0.80524516, 0.8408964, 0.8781261, 0.91700405, 0.9576033,
)
# fmt: on
_BELOW_ONE = np.array(_LOWER, np.float32)
STEPS = np.concatenate((_BELOW_ONE, 2 * _BELOW_ONE, [2])).astype(np.float32)
"""STEPS[i] is 2^((i - 16) / 16), rounded to binary32."""
