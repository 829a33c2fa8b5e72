"""Bidirectional WKV on torch tensors, with gradients, in time linear in the tokens.

The definition, of which this is a rearrangement (FORMAT.md section 9.3): y_t is the mean of all v_i with the weights
exp(k_i - w (|t - i| - 1)) for i != t and exp(u + k_t) for the token itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hpcmcodec import kernels
from hpcmcodec.errors import NoKernelsError


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


def sequences(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Sequences: w, u (C,), k, v (B, T, C), all float32 or float64 -> (B, T, C)."""
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
    """The kernels' forward pass where they run (float32 on processors), so that training sees the codec's numbers."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(w, u, k, v)
        if k.is_meta:
            return torch.empty_like(k)
        if k.dtype == torch.float32 and k.device.type == "cpu":
            try:
                arrays = (t.detach().contiguous().numpy() for t in (w, u, k, v))
                return torch.from_numpy(kernels.wkv(*arrays))
            except NoKernelsError:
                pass
        return _Pass(w, u, k, v).y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        w, u, k, v = ctx.saved_tensors
        return _Pass(w, u, k, v, slopes=True).gradients(gradients[0])


class _Pass:
    """Everything that output and gradients need: for each token the states (maximum, values, weights) before and after
    it, and with `slopes` their derivatives by the decay."""

    def __init__(self, w: Tensor, u: Tensor, k: Tensor, v: Tensor, *, slopes: bool = False) -> None:
        self.w, self.k, self.v = w, k, v
        ones = torch.ones_like(k)
        self.states = [_scan(w, k, (v, ones), slopes, backwards) for backwards in (False, True)]
        own = u + k
        self.top = torch.maximum(torch.maximum(self.states[0][0], self.states[1][0]), own)
        self.shares = [(state[0] - self.top).exp() for state in self.states]
        self.own = (own - self.top).exp()
        values, weights = self.own * v, self.own
        for share, state in zip(self.shares, self.states, strict=True):
            values, weights = values + share * state[1], weights + share * state[2]
        self.weights, self.y = weights, values / weights

    def gradients(self, gy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of w, u, k, v. A token's influence on all outputs is a scan over the outputs with the keys -top."""
        y, v, q = self.y, self.v, gy / self.weights
        gw = torch.zeros_like(y)
        for share, state in zip(self.shares, self.states, strict=True):
            gw = gw + q * share * (state[3] - y * state[4])
        own = q * self.own
        gu = own * (v - y)
        gk, gv = gu, own
        for backwards in (False, True):
            m, p, r = _scan(self.w, -self.top, (q, q * y), False, backwards)
            e = (self.k + m).exp()
            gv = gv + e * p
            gk = gk + e * (p * v - r)
        return gw.sum((0, 1)), gu.sum((0, 1)), gk, gv


def _scan(w: Tensor, key: Tensor, values: Sequence[Tensor], slopes: bool, backwards: bool) -> list[Tensor]:
    """The state before every token (after it, if `backwards`): its maximum, one sum per value, their slopes by w."""
    if backwards:
        parts = _scan(w, key.flip(1), [value.flip(1) for value in values], slopes, False)
        return [part.flip(1) for part in parts]
    zero = torch.zeros_like(key[:, 0])
    m, sums = torch.full_like(zero, -torch.inf), [zero] * len(values)
    derivatives = [zero] * len(values) if slopes else []
    seen = []
    for t in range(key.shape[1]):
        seen.append([m, *sums, *derivatives])
        shifted, k = m - w, key[:, t]
        m = torch.maximum(shifted, k)
        a, b = (shifted - m).exp(), (k - m).exp()
        derivatives = [a * (slope - total) for slope, total in zip(derivatives, sums, strict=slopes)]
        sums = [a * total + b * value[:, t] for total, value in zip(sums, values, strict=True)]
    return [torch.stack(part, 1) for part in zip(*seen, strict=True)]
