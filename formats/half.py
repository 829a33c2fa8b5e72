"""Half precision to single precision, exactly, whatever the processor's treatment of subnormals.

numpy's own conversion is exact too but ten times slower, and this is most of the time of loading a model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 16  # elements at a time, so that intermediate arrays stay in the cache
_REBIAS = np.float32(2.0**112)  # binary16 has bias 15, binary32 has 127
_SMALLEST = np.float32(2.0**-24)


def half_to_single(array: NDArray[np.float16], out: NDArray[np.float32]) -> None:
    """Finite float16 values as float32 into `out`, contiguous and of the same size."""
    source, result = array.reshape(-1).view(np.int16), out.reshape(-1)
    for start in range(0, source.size, _BLOCK):
        _convert(source[start : start + _BLOCK], result[start : start + _BLOCK])


def _convert(source: NDArray[np.int16], result: NDArray[np.float32]) -> None:
    bits = result.view(np.int32)
    np.copyto(bits, source)  # sign extended
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, np.int32(-0x70002000), out=bits)  # 0x8fffe000: sign, exponent and mantissa in place
    np.multiply(result, _REBIAS, out=result)
    # A subnormal half has become a subnormal single above, which the processor may have taken for zero: build it anew.
    tiny = np.flatnonzero((source & 0x7C00) == 0)
    if tiny.size:
        halves = source[tiny]
        values = (halves & 0x3FF).astype(np.float32) * _SMALLEST
        result[tiny] = np.where(halves < 0, -values, values)
