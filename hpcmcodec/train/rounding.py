"""Training for rate-distortion optimised rounding, which files of models without a trellis are coded with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .curvature import Curvature
from .distributions import LOG_SCALE, Logistic
from .expected import Quantiser
from .loss import rdo_round
from .response import Response

_ROWS = 95
_FAMILY = Logistic()


class Rounding(Quantiser):
    """To the nearest integer or the next one towards zero. Bits are those of the distribution."""

    def __init__(self, strength: float, curvature: Curvature | None = None) -> None:
        """strength: above 0."""
        self._log_scales = torch.linspace(*LOG_SCALE, _ROWS)
        super().__init__(strength, (self._log_scales[1:] + self._log_scales[:-1]) / 2, curvature)

    def measured(self) -> Response:
        def quantise(residual: np.ndarray, rows: np.ndarray) -> np.ndarray:
            scales = self._log_scales[torch.from_numpy(rows.astype(np.int64))]
            return rdo_round(torch.from_numpy(residual), scales, self.strength, _FAMILY).numpy()

        return Response.of(quantise, self._log_scales.exp().double().numpy())

    def choose(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        symbols, leaf = rdo_round(residual, log_scale, self.strength, _FAMILY), log_scale.detach().requires_grad_()
        with torch.enable_grad():
            bits = _FAMILY.bits(symbols, leaf)
            (slope,) = torch.autograd.grad(bits.sum(), leaf)
        return symbols, bits.detach(), slope
