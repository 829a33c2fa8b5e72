"""Bidirectional WKV on torch tensors, with gradients, in time linear in the tokens.

The definition, of which this is a rearrangement (FORMAT.md section 9.3): y_t is the mean of all v_i with the weights
exp(k_i - w (|t - i| - 1)) for i != t and exp(u + k_t) for the token itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hpcmcodec.errors import NoKernelsError

from . import wkv_cuda, wkv_reference

_NARROW = (torch.float16, torch.bfloat16)


def wkv(k: Tensor, v: Tensor, w: Tensor, u: Tensor, rows: int, columns: int) -> Tensor:
    """Maps k, v (N, C, H, W) -> (N, C, H, W): every window of rows x columns positions, clipped at the right and lower
    edge, is one sequence in raster order."""
    strips = []
    for top, bottom, r in _parts(k.shape[2], rows):
        cells = []
        for left, right, s in _parts(k.shape[3], columns):
            region = (slice(None), slice(None), slice(top, bottom), slice(left, right))
            y = sequences(w, u, _sequences(k[region], r, s), _sequences(v[region], r, s))
            cells.append(_maps(y, r, s, k.shape[0], bottom - top, right - left))
        strips.append(torch.cat(cells, 3))
    return torch.cat(strips, 2)


@torch.compiler.disable  # the kernels are no torch operators
def sequences(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Sequences: decay w per token and bonus u (C,), k, v (B, T, C) -> (B, T, C), differentiable once.

    k and v may be float16 or bfloat16: they are widened, and the result is rounded to their type. Decays and bonuses
    keep their own type, half of which would have too few digits for a decay. Raises TypeError for mixed types.
    """
    if k.dtype != v.dtype:
        raise TypeError(f"keys are {k.dtype}, values {v.dtype}: they must be of one type")
    if k.dtype in _NARROW:
        return sequences(w.float(), u.float(), k.float(), v.float()).to(k.dtype)
    if {w.dtype, u.dtype} != {k.dtype}:
        raise TypeError(f"decay and bonus must be {k.dtype} as keys and values are, not {w.dtype} and {u.dtype}")
    if not k.numel():
        return v.clone()
    result: Tensor = _Wkv.apply(w, u, k, v)  # type: ignore[no-untyped-call]
    return result


def _parts(length: int, size: int) -> list[tuple[int, int, int]]:
    """(begin, end, window) of the stretch of whole windows and of the clipped one."""
    whole = length // size * size
    return [part for part in ((0, whole, size), (whole, length, length - whole)) if part[0] < part[1]]


def _sequences(x: Tensor, rows: int, columns: int) -> Tensor:
    """(N, C, H, W) of whole windows -> (N windows, rows columns, C)."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // rows, rows, w // columns, columns).permute(0, 2, 4, 3, 5, 1)
    return x.reshape(-1, rows * columns, c)


def _maps(x: Tensor, rows: int, columns: int, n: int, h: int, w: int) -> Tensor:
    """Inverse of `_sequences`."""
    x = x.reshape(n, h // rows, w // columns, rows, columns, -1).permute(0, 5, 1, 3, 2, 4)
    return x.reshape(n, -1, h, w)


class _Wkv(torch.autograd.Function):
    """The kernels where they run, so that training sees the codec's numbers; plain torch elsewhere."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(w, u, k, v)
        y: Tensor = torch.empty_like(k) if k.is_meta else _kernels_for(k).forward(w, u, k, v)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        w, u, k, v = ctx.saved_tensors
        gradients: tuple[Tensor, Tensor, Tensor, Tensor] = _kernels_for(k).backward(w, u, k, v, gy)
        return gradients


def _kernels_for(k: Tensor) -> Any:
    """What computes `forward` and `backward` of such tensors."""
    if k.dtype == torch.float32:
        if k.device.type == "cpu" and _has_kernels():
            return _Processor
        if k.device.type == "cuda" and (library := wkv_cuda.library()):
            return library
    return wkv_reference


def _has_kernels() -> bool:
    """Whether the processor's kernels are there and built: a bare source tree trains without."""
    try:
        from hpcmcodec import kernels

        kernels.available_levels()
    except (ImportError, NoKernelsError):
        return False
    return True


class _Processor:
    """The processor's kernels on tensors."""

    @staticmethod
    def forward(*tensors: Tensor) -> Tensor:
        from hpcmcodec import kernels

        return torch.from_numpy(kernels.wkv(*_arrays(tensors)))

    @staticmethod
    def backward(*tensors: Tensor) -> tuple[Tensor, ...]:
        from hpcmcodec import kernels

        return tuple(map(torch.from_numpy, kernels.wkv_backward(*_arrays(tensors))))


def _arrays(tensors: Sequence[Tensor]) -> list[Any]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]
