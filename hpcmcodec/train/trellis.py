"""Training with the quantiser that files are coded with: a calibrated model's trellis instead of rounding.

What files cost is a function of latents y, means and log-scales through symbols that jump. Its gradient is that of its
expectation, the state of the trellis being what is random:

- **y** moves nothing until a symbol flips. Where the residual r = y - mean is coded as the value q, the distortion D is
  known to second order about q: slope G, curvature H. With a(r) = E[q] and b(r) = E[q^2] (response.py) the slope of its
  expectation is a' (G - H q) + b' H / 2. That of the rate R follows from what the trellis minimises,
  W (r - q)^2 + strength R: by the envelope theorem the expected minimum has slope 2 W (r - a), and so
  R' = (2 r a' - b') W / strength.
- a **mean** moves y_hat with slope 1 where symbols stay, and flips them as -y does.
- a **log-scale** changes the bits of the symbols as they are, and flips them: the same formulas with a and b by the
  log-scale. Of what flips cost there later predictions gain a part back (`GAINED`), which nothing here knows of.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.codec.model import TRELLIS_STRENGTH
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import LOGISTIC_SCALES, EntropyTables
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.model_file import ModelFile

from .curvature import Curvature
from .loss import RDO_WEIGHT
from .response import Response

GAINED = 0.5
"""Measured, as everything: docs/TRAINING.md."""
_MOST = 255  # magnitudes whose bits are looked up


class Trellis:
    """Latents as an encoder of this model would quantise them, and their bits by its tables."""

    def __init__(self, tables: EntropyTables, curvature: Curvature | None = None) -> None:
        """tables: with levels. curvature: of what is trained, `lite`'s by default."""
        self.curvature = curvature or Curvature()
        self.tables, self._coder = tables, EntropyCoder.of(tables)
        self._thresholds, self._rows = tables.thresholds, len(tables.thresholds) + 1
        magnitudes = np.tile(np.arange(_MOST + 1, dtype=np.int32), (2 * self._rows, 1))
        rows = np.repeat(np.arange(self._rows, 3 * self._rows, dtype=np.uint16)[:, None], _MOST + 1, 1)
        self._bits = torch.from_numpy(self._coder.bits(magnitudes, rows)).reshape(2, self._rows, _MOST + 1)
        self._scales = torch.from_numpy(np.log(LOGISTIC_SCALES).astype(np.float32))
        self._edges = torch.tensor(self._thresholds)
        self._response: Response | None = None

    @classmethod
    def of(cls, file: ModelFile, curvature: Curvature | None = None) -> Self:
        """The trellis of a model. Raises UsageError if it has none."""
        if file.levels is None:
            raise UsageError(f"model {file.name!r} has no trellis: make one with hpcm models calibrate")
        arrays = (file.cdf, file.starts, file.lengths, file.offsets, file.y_thresholds, file.levels)
        return cls(EntropyTables(*arrays), curvature)

    @property
    def response(self) -> Response:
        """Measured when it is first needed."""
        if self._response is None:
            self._response = Response.of(
                lambda residual, rows: self._coder.quantise(residual, rows, TRELLIS_STRENGTH).values, LOGISTIC_SCALES
            )
        return self._response

    def __call__(self, latent: Tensor, mean: Tensor, log_scale: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Decoded latents and the bits of each; all (N, C, H, W) float32. quality (N,): of each picture."""
        values, symbols, quantisers = self._quantised((latent - mean).detach(), log_scale.detach())
        bits, slope = self._looked_up(symbols, quantisers, log_scale.detach())
        if not torch.is_grad_enabled():
            return values + mean, bits
        curvature = self.curvature(quality)
        found: tuple[Tensor, Tensor] = _Coded.apply(latent, mean, log_scale, values, bits, slope, self, curvature)
        return found

    def row(self, log_scale: Tensor) -> Tensor:
        """The table row of each log-scale, int64."""
        return torch.searchsorted(self._edges.to(log_scale.device), log_scale.contiguous())

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

    def _looked_up(self, symbols: Tensor, quantisers: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
        """Bits between those of the two neighbouring rows, linear in the log-scale, and their slope by it."""
        table, scales = self._bits.to(symbols.device), self._scales.to(symbols.device)
        below = (torch.searchsorted(scales, log_scale.contiguous()) - 1).clamp(0, self._rows - 2)
        gap = scales[below + 1] - scales[below]
        share = ((log_scale - scales[below]) / gap).clamp(0, 1)
        low, high = (table[quantisers, below + k, symbols] for k in (0, 1))
        within = (log_scale >= scales[0]) & (log_scale <= scales[-1])
        return low + share * (high - low), (high - low) / gap * within


class _Coded(torch.autograd.Function):
    """Decoded latents and bits, with the gradients that the module's text derives."""

    @staticmethod
    def forward(
        ctx: Any,
        latent: Tensor,
        mean: Tensor,
        log_scale: Tensor,
        values: Tensor,
        bits: Tensor,
        slope: Tensor,
        trellis: Trellis,
        curvature: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(latent - mean, log_scale, values, slope, curvature)
        ctx.trellis = trellis
        return values + mean, bits

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        by_value, price = gradients
        residual, log_scale, values, slope, curvature = ctx.saved_tensors
        magnitude, sign = residual.abs(), residual.sign()
        h, towards = curvature[:, None, None, None] * price, sign * by_value
        at_zero, w = towards - h * values.abs(), price * (RDO_WEIGHT / TRELLIS_STRENGTH)

        def flips(a: Tensor, b: Tensor) -> Tensor:
            """What they cost on average, for slopes a and b of the value and its square."""
            return a * (at_zero + 2 * w * magnitude) + b * (h / 2 - w)

        by_residual, by_log_scale = ctx.trellis.response(magnitude, ctx.trellis.row(log_scale))
        by_latent = sign * flips(*by_residual)
        by_scale = price * slope + (1 - GAINED) * flips(*by_log_scale)
        return by_latent, by_value - by_latent, by_scale, None, None, None, None, None
