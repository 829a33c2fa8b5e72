"""The memory bank: recalling entries by likeness, and summaries for linear attention (formats/FORMAT.md section 11.7).

Wrong types, layouts or shapes raise ValueError.
"""

from __future__ import annotations

from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native

Summary = tuple[Float32, Float32, Float32]
"""Peak (d,), mass (d,) and sums (d, channels of a head)."""


def unit(x: Float32) -> Float32:
    """Each pixel of x (C, H, W) over its length over channels, the squared length being at least 1e-12."""
    return native().unit(x)


def recall(q: Float32, keys: list[Float32], values: list[Float32], topk: int, temperature: float) -> Float32:
    """Up to 8 keys (D, H, W) and values (V, H, W) -> (V, H, W): at each pixel the values of the `topk` keys with the
    largest products with q (D, H, W), the earlier of equals first, weighted by the softmax of product / temperature.

    q and keys may be (D, 1, 1), one position for all.
    """
    return native().recall(q, keys, values, topk, temperature)


def summarise(k: Float32, v: Float32, heads: int) -> Summary:
    """k, v (d, H, W): of every key channel its largest value, the mean of p = exp(k - largest) over positions, and that
    of p v for each value channel of its head, which has up to 64."""
    return native().summarise(k, v, heads)


def join_summaries(first: Summary, second: Summary) -> Summary:
    """The summary of both sets of positions, each set with the same total weight."""
    return native().join_summaries(*first, *second)
