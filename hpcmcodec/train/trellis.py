"""Training with the quantiser that files are coded with: a calibrated model's trellis instead of rounding."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.codec.model import TRELLIS_STRENGTH
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import LOGISTIC_SCALES, EntropyTables
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.model_file import ModelFile

from .curvature import Curvature
from .expected import Quantiser
from .response import Response

_MOST = 255  # magnitudes whose bits are looked up


class Trellis(Quantiser):
    """Latents as an encoder of this model would quantise them, and their bits by its tables."""

    def __init__(self, tables: EntropyTables, curvature: Curvature | None = None) -> None:
        """tables: with levels."""
        super().__init__(TRELLIS_STRENGTH, torch.tensor(tables.thresholds), curvature)
        self.tables, self._coder = tables, EntropyCoder.of(tables)
        self._thresholds, self._rows = tables.thresholds, len(tables.thresholds) + 1
        magnitudes = np.tile(np.arange(_MOST + 1, dtype=np.int32), (2 * self._rows, 1))
        rows = np.repeat(np.arange(self._rows, 3 * self._rows, dtype=np.uint16)[:, None], _MOST + 1, 1)
        self._bits = torch.from_numpy(self._coder.bits(magnitudes, rows)).ravel()
        scales = np.log(LOGISTIC_SCALES).astype(np.float32)
        if len(scales) != self._rows or np.any((scales[:-1] >= tables.thresholds) | (tables.thresholds >= scales[1:])):
            raise UsageError("the trellis has tables of another kind than those that training knows")
        self._scales = torch.from_numpy(scales)

    @classmethod
    def of(cls, file: ModelFile, curvature: Curvature | None = None) -> Self:
        """The trellis of a model. Raises UsageError if it has none."""
        if file.levels is None:
            raise UsageError(f"model {file.name!r} has no trellis: make one with hpcm models calibrate")
        arrays = (file.cdf, file.starts, file.lengths, file.offsets, file.y_thresholds, file.levels)
        return cls(EntropyTables(*arrays), curvature)

    def measured(self) -> Response:
        def quantise(residual: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return self._coder.quantise(residual, rows, TRELLIS_STRENGTH).values

        return Response.of(quantise, LOGISTIC_SCALES)

    def choose(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        values, symbols, quantisers, rows = self._quantised(residual, log_scale)
        return (values, *self._looked_up(symbols, quantisers, rows, log_scale), rows)

    @torch.no_grad()
    def _quantised(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Values, magnitudes of the symbols, quantisers, rows; each picture by a trellis of its own, as in files."""
        found = []
        for one, scales in zip(residual.cpu().numpy(), log_scale.cpu().numpy(), strict=True):
            rows = np.searchsorted(self._thresholds, scales, "left").astype(np.uint16)
            coded = self._coder.quantise(np.ascontiguousarray(one), rows, TRELLIS_STRENGTH)
            found.append((coded.values, np.abs(coded.symbols), coded.rows // self._rows - 1, rows))
        values, symbols, quantisers, rows = (np.stack(part) for part in zip(*found, strict=True))
        device = residual.device
        return (
            torch.from_numpy(values).to(device),
            torch.from_numpy(symbols).to(device).long().clamp_max(_MOST),
            torch.from_numpy(quantisers.astype(np.int64)).to(device),
            torch.from_numpy(rows.astype(np.int64)).to(device),
        )

    def _looked_up(self, symbols: Tensor, quantisers: Tensor, rows: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
        """Bits between those of the two neighbouring rows, linear in the log-scale, and their slope by it."""
        bits, scales = self._bits.to(symbols.device), self._scales.to(symbols.device)
        # A threshold lies between the scales of its two rows: the scale below is the row's own or the one before.
        below = (rows - (scales.take(rows) >= log_scale).long()).clamp(0, self._rows - 2)
        start, gap = scales.take(below), scales.diff().take(below)
        share = ((log_scale - start) / gap).clamp(0, 1)
        place = (quantisers * self._rows + below) * (_MOST + 1) + symbols
        low, high = bits.take(place), bits.take(place + _MOST + 1)
        within = (log_scale >= scales[0]) & (log_scale <= scales[-1])
        return low + share * (high - low), (high - low) / gap * within
