"""Operation wkv (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize, Size

if TYPE_CHECKING:
    from torch import Tensor


@operation
def wkv(k: Array, v: Array, w: Any, u: Any, rows: AnySize, columns: AnySize) -> Array:
    """Bidirectional linear attention in windows of rows x columns positions, clipped at the right and lower edge: k, v
    (N, C, H, W), decay w and bonus u (C,). A position counts exp(k - w (steps in raster order - 1)), itself
    exp(u + k)."""
    for size, side in ((rows, k.shape[2]), (columns, k.shape[3])):
        if isinstance(size, Size) and size != side:
            raise TypeError("a window is of a fixed size or as large as the map")
    whole = [0 if isinstance(size, Size) else size for size in (rows, columns)]
    return k.trace.node(v.shape, "wkv", [k, v, w, u], *whole)


@wkv.torch
def _(k: Tensor, v: Tensor, w: Tensor, u: Tensor, rows: int, columns: int) -> Tensor:
    from hpcmcodec.nn.wkv_torch import wkv as windows

    return windows(k, v, w, u, rows, columns)
