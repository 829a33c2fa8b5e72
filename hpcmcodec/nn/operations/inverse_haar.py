"""Operation inverse_haar (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.operation import Array, operation

if TYPE_CHECKING:
    from torch import Tensor


@operation
def inverse_haar(bands: Array) -> Array:
    """Inverse of `haar` for even sizes: (N, 4C, H, W) -> (N, C, 2H, 2W)."""
    shape = (1, bands.shape[1] // 4, *(size * 2 for size in bands.shape[2:]))
    return bands.trace.node(shape, "inverse_haar", [bands])


@inverse_haar.torch
def _(bands: Tensor) -> Tensor:
    import torch

    from hpcmcodec.nn import torch_tools as tools

    a, b, c, d = tools.butterfly(*bands.chunk(4, 1))
    rows = torch.stack((torch.stack((a, b), -1), torch.stack((c, d), -1)), -3)  # (N, C, h, 2, w, 2)
    n, channels, h, _, w, _ = rows.shape
    return rows.reshape(n, channels, 2 * h, 2 * w)
