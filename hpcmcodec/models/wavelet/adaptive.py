"""Step sizes of the quantiser, learned per band, channel and position (phases 4 and 5).

They follow from hyper parameters, which a decoder has before the band's first symbol: nothing is sent. Training,
estimation and coding use the same 33 steps.
"""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array


class StepSizes(Conv2d):
    """Hyper parameters of a band (N, 2M, h, w) -> the quantiser's steps (N, M, h, w), 1/2 .. 2, one at first."""

    def __init__(self, m: int) -> None:
        super().__init__(2 * m, m, zero=True)

    def __call__(self, params: Array) -> Array:
        return ops.step_sizes(super().__call__(params))
