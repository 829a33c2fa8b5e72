"""Streams of integer symbols coded with a model's tables. Thin over `hpcmcodec.kernels`; the format is in FORMAT.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from hpcmcodec import kernels
from hpcmcodec.entropy.tables import DISTORTION_WEIGHT
from hpcmcodec.errors import ModelFileError

Int32: TypeAlias = npt.NDArray[np.int32]
UInt16: TypeAlias = npt.NDArray[np.uint16]
Float32: TypeAlias = npt.NDArray[np.float32]


class Tables(Protocol):
    """What has tables: `tables.EntropyTables`, where the fields are explained, or a model file."""

    @property
    def cdf(self) -> Int32: ...
    @property
    def starts(self) -> Int32: ...
    @property
    def lengths(self) -> Int32: ...
    @property
    def offsets(self) -> Int32: ...
    @property
    def levels(self) -> Float32 | None: ...


@dataclass(frozen=True)
class Quantised:
    """Symbols, the table row that each is coded with, and the values that they stand for, all of one shape."""

    symbols: Int32
    rows: UInt16
    values: Float32


class EntropyCoder:
    """A model's tables, ready to code any number of streams. Safe to share between threads.

    Arguments as in `tables.EntropyTables`; ModelFileError if they are no valid tables. With `levels` latents are coded
    by the trellis that they describe, without by rounding.
    """

    def __init__(
        self,
        cdf: npt.ArrayLike,
        starts: npt.ArrayLike,
        lengths: npt.ArrayLike,
        offsets: npt.ArrayLike,
        levels: npt.ArrayLike | None = None,
    ) -> None:
        self.levels = None if levels is None else np.ascontiguousarray(levels, np.float32)
        try:
            self.tables = kernels.TableSet(*(_int32(part) for part in (cdf, starts, lengths, offsets)))
        except ValueError as error:
            raise ModelFileError(f"the model's entropy tables are not valid: {error}") from error

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """A coder with these tables."""
        return cls(tables.cdf, tables.starts, tables.lengths, tables.offsets, tables.levels)

    @property
    def has_trellis(self) -> bool:
        """Whether latents are coded by a trellis."""
        return self.levels is not None

    def encoder(self) -> StreamEncoder:
        """A new, empty stream."""
        return StreamEncoder(self.tables)

    def decoder(self, data: bytes) -> StreamDecoder:
        """Reader of one stream."""
        return StreamDecoder(data, self.tables, self.levels)

    def bits(self, symbols: Int32, rows: UInt16) -> Float32:
        """Estimated bits of each symbol."""
        return kernels.symbol_bits(symbols, rows, self.tables)

    def quantise(self, residual: Float32, rows: UInt16, strength: float) -> Quantised:
        """The integers for a coding step's residuals. Strength 0 is nearest, 0.7 to 1 gives up precision where that
        saves enough bits."""
        if self.levels is None:
            symbols = kernels.rdo_quantise(residual, rows, self.tables, strength, DISTORTION_WEIGHT)
            return Quantised(symbols, rows, symbols.astype(np.float32))
        weights = strength, DISTORTION_WEIGHT
        return Quantised(*kernels.trellis_quantise(residual, rows, self.tables, self.levels, *weights))


class StreamEncoder:
    """Collects the symbols of one stream; they are coded together at the end, since the coder runs backwards."""

    def __init__(self, tables: kernels.TableSet) -> None:
        self._tables = tables
        self._symbols: list[Int32] = []
        self._rows: list[UInt16] = []

    def add(self, symbols: Int32, rows: UInt16) -> None:
        """Append symbols (any shape, C order) and the row of each. The arrays are copied."""
        if symbols.shape != rows.shape:
            raise ValueError(f"symbols of shape {symbols.shape} with rows of shape {rows.shape}")
        self._symbols.append(symbols.astype(np.int32, casting="safe").ravel())
        self._rows.append(rows.astype(np.uint16, casting="safe").ravel())

    def finish(self) -> bytes:
        """The stream; empty if nothing was added."""
        if not self._symbols:
            return b""
        return kernels.rans_encode(np.concatenate(self._symbols), np.concatenate(self._rows), self._tables)


class StreamDecoder:
    """Reads symbols in the order in which they were added, in portions of any size."""

    def __init__(self, data: bytes, tables: kernels.TableSet, levels: Float32 | None) -> None:
        self._decoder = kernels.RansDecoder(data, tables)
        self._levels = levels

    def decode(self, rows: UInt16) -> Int32:
        """The next symbols, in the shape of rows. TruncatedError or CorruptError if the stream is damaged."""
        return self._decoder.decode(np.ascontiguousarray(rows))

    def values(self, rows: UInt16) -> Float32:
        """What the symbols of one coding step stand for, float32 in the shape of rows; otherwise as `decode`."""
        if self._levels is None:
            return self.decode(rows).astype(np.float32)
        return self._decoder.decode_trellis(np.ascontiguousarray(rows), self._levels)

    def finish(self) -> None:
        """CorruptError unless exactly the whole stream was read."""
        self._decoder.finish()


def _int32(values: npt.ArrayLike) -> Int32:
    array = np.ascontiguousarray(values)
    if array.dtype.kind not in "iu" or (array.size and (array.min() < -(2**31) or array.max() >= 2**31)):
        raise ValueError("not integers of 32 bits")
    return array.astype(np.int32)
