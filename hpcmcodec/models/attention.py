"""Context fusion by window cross attention (HPCM, arXiv 2507.19125, section 3.3)."""

from __future__ import annotations

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module


class CrossAttentionCell(Module):
    """Queries from the new parameters, keys and values from the previous context, inside non-overlapping windows.

    `conv_out` projects the query input, as a skip path; the attention's own result is added without a projection.
    """

    def __init__(self, channels: int, window: int, heads: int) -> None:
        self.window, self.heads = window, heads
        self.conv_q = Conv2d(channels, channels)
        self.conv_k = Conv2d(channels, channels)
        self.conv_v = Conv2d(channels, channels)
        self.conv_out = Conv2d(channels, channels)

    def __call__(self, parameters: Array, context: Array) -> Array:
        """Both (N, channels, H, W), H and W multiples of the window -> the next context, same shape."""
        q, k, v = self.conv_q(parameters), self.conv_k(context), self.conv_v(context)
        return ops.window_attention(q, k, v, self.window, self.heads) + self.conv_out(parameters)
