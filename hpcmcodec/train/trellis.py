"""Training with the quantiser that files are coded with: a calibrated model's trellis instead of rounding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.codec.model import TRELLIS_STRENGTH
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import LOGISTIC_SCALES, EntropyTables
from hpcmcodec.entropy.trellis import STEP
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.model_file import ModelFile

from .distributions import logistic_bits
from .loss import straight_through

_MOST = 255  # magnitudes whose bits are looked up
_CELL = 2 * STEP


class Trellis:
    """Latents as an encoder of this model would quantise them, and their bits by its tables.

    Bits have three gradients: log-scales learn from the change of the tables' bits from row to row, means from the
    slope of a logistic whose cells are as wide as the quantisers', latents from the same with uniform noise.
    """

    def __init__(self, tables: EntropyTables) -> None:
        """tables: with levels."""
        self.tables, self._coder = tables, EntropyCoder.of(tables)
        self._thresholds, self._rows = tables.thresholds, len(tables.thresholds) + 1
        magnitudes = np.tile(np.arange(_MOST + 1, dtype=np.int32), (2 * self._rows, 1))
        rows = np.repeat(np.arange(self._rows, 3 * self._rows, dtype=np.uint16)[:, None], _MOST + 1, 1)
        self._bits = torch.from_numpy(self._coder.bits(magnitudes, rows)).reshape(2, self._rows, _MOST + 1)
        self._scales = torch.from_numpy(np.log(LOGISTIC_SCALES).astype(np.float32))

    @classmethod
    def of(cls, file: ModelFile) -> Self:
        """The trellis of a model. Raises UsageError if it has none."""
        if file.levels is None:
            raise UsageError(f"model {file.name!r} has no trellis: make one with hpcm models calibrate")
        arrays = (file.cdf, file.starts, file.lengths, file.offsets, file.y_thresholds, file.levels)
        return cls(EntropyTables(*arrays))

    def __call__(
        self, latent: Tensor, mean: Tensor, log_scale: Tensor, noise: Callable[[Tensor], Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Decoded latents (with the gradient of `latent`) and the bits of each; all (N, C, H, W) float32."""
        values, symbols, quantisers = self._quantised(latent - mean, log_scale)
        bits = self._looked_up(symbols, quantisers, log_scale)
        if noise is not None:
            wide = log_scale.detach() - math.log(_CELL)
            by_mean = logistic_bits((values - (mean - mean.detach())) / _CELL, wide)
            by_latent = logistic_bits((latent - mean.detach()) / _CELL + noise(latent), wide)
            bits = bits + (by_mean - by_mean.detach()) + (by_latent - by_latent.detach())
        return straight_through(latent, values + mean), bits

    @torch.no_grad()
    def _quantised(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Values, magnitudes of the symbols, quantisers; each picture by a trellis of its own, as in files."""
        found = []
        for one, scales in zip(residual.cpu().numpy(), log_scale.cpu().numpy(), strict=True):
            rows = np.searchsorted(self._thresholds, scales, "left").astype(np.uint16)
            coded = self._coder.quantise(np.ascontiguousarray(one), rows, TRELLIS_STRENGTH)
            found.append((coded.values, np.abs(coded.symbols), coded.rows // self._rows - 1))
        values, symbols, quantisers = (np.stack(part) for part in zip(*found, strict=True))
        device = residual.device
        return (
            torch.from_numpy(values).to(device),
            torch.from_numpy(symbols).to(device).long().clamp_max(_MOST),
            torch.from_numpy(quantisers.astype(np.int64)).to(device),
        )

    def _looked_up(self, symbols: Tensor, quantisers: Tensor, log_scale: Tensor) -> Tensor:
        """Bits between those of the two neighbouring rows, linear in the log-scale."""
        table, scales = self._bits.to(symbols.device), self._scales.to(symbols.device)
        below = (torch.searchsorted(scales, log_scale.detach().contiguous()) - 1).clamp(0, self._rows - 2)
        share = ((log_scale - scales[below]) / (scales[below + 1] - scales[below])).clamp(0, 1)
        low, high = (table[quantisers, below + k, symbols] for k in (0, 1))
        return low + share * (high - low)
