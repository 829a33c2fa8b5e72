"""Training for rate-distortion optimised rounding, which files of models without a trellis are coded with."""

from __future__ import annotations

from functools import cache

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
        rows = _log_scales()
        super().__init__(strength, (rows[1:] + rows[:-1]) / 2, curvature)

    def measured(self) -> Response:
        return _measured(self.strength)

    def choose(self, residual: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        symbols, leaf = rdo_round(residual, log_scale, self.strength, _FAMILY), log_scale.detach().requires_grad_()
        with torch.enable_grad():
            bits = _FAMILY.bits(symbols, leaf)
            (slope,) = torch.autograd.grad(bits.sum(), leaf)
        return symbols, bits.detach(), slope, self.row(log_scale)


def _log_scales() -> Tensor:
    return torch.linspace(*LOG_SCALE, _ROWS)


@cache
def _measured(strength: float) -> Response:
    rows = _log_scales()

    def quantise(residual: np.ndarray, row: np.ndarray) -> np.ndarray:
        scales = rows[torch.from_numpy(row.astype(np.int64))]
        return rdo_round(torch.from_numpy(residual), scales, strength, _FAMILY).numpy()

    return Response.of(quantise, rows.exp().double().numpy())
