"""Entropy coder: interleaved range asymmetric numeral systems over integer tables (formats/FORMAT.md).

Every symbol names a row of a TableSet. Values without a symbol of their own are escaped: any int32 can be coded with
any row. Reading a damaged stream raises TruncatedError or CorruptError and nothing worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hpcmcodec.errors import CorruptError, TruncatedError
from hpcmcodec.kernels._arrays import Float32
from hpcmcodec.kernels._load import native

Int32: TypeAlias = npt.NDArray[np.int32]
UInt16: TypeAlias = npt.NDArray[np.uint16]


class TableSet:
    """Integer distributions, checked once and prepared for coding.

    Row r is `cdf[starts[r] : starts[r] + lengths[r]]`: 0, strictly rising, 65536. Its last symbol is the escape; symbol
    i before that stands for the value `offsets[r] + i`. All arguments int32, one axis; ValueError if a rule is broken.
    """

    def __init__(self, cdf: Int32, starts: Int32, lengths: Int32, offsets: Int32) -> None:
        self._native: Any = native().TableSet(cdf, starts, lengths, offsets)

    def __len__(self) -> int:
        return len(self._native)


def rans_encode(symbols: Int32, rows: UInt16, tables: TableSet) -> bytes:
    """Code symbols (any shape, in C order) with the rows of the same shape into one stream."""
    return bytes(native().rans_encode(symbols, rows, tables._native))


@contextmanager
def _stream_errors() -> Iterator[None]:
    try:
        yield
    except native().StreamTruncated as error:
        raise TruncatedError(str(error)) from error
    except native().StreamCorrupt as error:
        raise CorruptError(str(error)) from error


class RansDecoder:
    """Reads a stream of rans_encode. How the symbols are split into calls does not matter.

    One thread at a time: a call while another one runs raises RuntimeError and changes nothing.
    """

    def __init__(self, data: bytes, tables: TableSet) -> None:
        self._native: Any = native().RansDecoder(data, tables._native)

    def decode(self, rows: UInt16) -> Int32:
        """The next symbols, in the shape of rows. TruncatedError or CorruptError: the decoder is of no further use."""
        with _stream_errors():
            result: Int32 = self._native.decode(rows)
        return result

    def decode_trellis(self, rows: UInt16, levels: Float32) -> Float32:
        """The next symbols, coded by `trellis_quantise` in one call, as the values that they stand for, in the shape of
        rows."""
        with _stream_errors():
            result: Float32 = self._native.decode_trellis(rows, levels)
        return result

    def finish(self) -> None:
        """CorruptError unless the stream ends exactly here, in the coder's initial state."""
        with _stream_errors():
            self._native.finish()


def symbol_bits(symbols: Int32, rows: UInt16, tables: TableSet) -> Float32:
    """Estimated bits of each symbol, escapes included. For an encoder's decisions; not normative."""
    result: Float32 = native().symbol_bits(symbols, rows, tables._native)
    return result


def rdo_quantise(residual: Float32, rows: UInt16, tables: TableSet, strength: float, distortion_weight: float) -> Int32:
    """Round residuals (y - mean): nearest, half to even, or one step towards zero where that pays.

    It pays where strength * (bits saved) > distortion_weight * (squared error added). Not normative. ValueError on
    residuals that are not finite or do not fit into int32.
    """
    result: Int32 = native().rdo_quantise(residual, rows, tables._native, strength, distortion_weight)
    return result


def trellis_quantise(
    residual: Float32,
    rows: UInt16,
    tables: TableSet,
    levels: Float32,
    strength: float,
    distortion_weight: float,
) -> tuple[Int32, UInt16, Float32]:
    """Trellis-coded quantisation of a step's residuals (y - mean): symbols, their rows in the tables, and their values.

    levels (2, R, 4): of either quantiser and of each of R rows the values of symbols 1, 2, 3 and the distance of
    further ones. tables: 3 R rows, of plain rounding, of the one quantiser and of the other. The choice makes the sum
    of distortion_weight * squared error + strength * bits small. ValueError on residuals that are not finite or beyond
    2^24.
    """
    symbols, table_rows, values = native().trellis_quantise(
        residual, rows, tables._native, levels, strength, distortion_weight
    )
    return symbols, table_rows, values
