"""Bidirectional WKV in plain torch: the reference for the kernels, and what float64 and machines without them use.

Linear in the tokens and free of overflow, as FORMAT.md section 9.3, but one scan without chunks: equal up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def forward(w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """w, u (C,), k, v (B, T, C), all of one floating type -> (B, T, C)."""
    return _Pass(w, u, k, v).y


def backward(w: Tensor, u: Tensor, k: Tensor, v: Tensor, gy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of w, u, k, v from those of the output."""
    return _Pass(w, u, k, v, slopes=True).gradients(gy)


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
