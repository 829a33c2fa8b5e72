"""The RWKV block: token mixing by bidirectional WKV, then channel mixing, both pre-norm residuals (LALIC, CVPR 2025).

Maps are (N, C, H, W). Every call says the side of the scan's window, so that one block can serve two scales.
"""

from __future__ import annotations

import math

import numpy as np

from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import LayerNorm
from hpcmcodec.nn.module import Array, Initialiser, Module, constant, fan_in_uniform

_EPS = 1e-5
_SLOWEST, _FASTEST = 0.25, 64.0
"""Initial decays over a window of P x P tokens: from a reach beyond the window down to a few tokens."""


class Projection(Module):
    """1x1 convolution without bias, i to o channels."""

    def __init__(self, i: int, o: int) -> None:
        self.parameter("weight", o, i, 1, 1, init=fan_in_uniform())

    def __call__(self, x: Array) -> Array:
        return ops.conv2d(x, self.weight, None)


class OmniShift(Module):
    """What a token sees of its neighbours: a depthwise 5x5 kernel, trained as the weighted sum of the identity and of
    1x1, 3x3 and 5x5 branches. Models in files hold the kernel, `merge` makes it."""

    def __init__(self, channels: int, merged: bool) -> None:
        self.merged = merged
        if merged:
            self.parameter("kernel", channels, 1, 5, 5, init=fan_in_uniform())
            return
        self.parameter("alpha", 4, init=_first_only)
        for side in (1, 3, 5):
            self.parameter(f"conv{side}x{side}.weight", channels, 1, side, side, init=fan_in_uniform())

    def __call__(self, x: Array) -> Array:
        if self.merged:
            return ops.depthwise(x, self.kernel, None, 2)
        a, y = self.alpha, x * self.alpha[0]
        for index, side in enumerate((1, 3, 5), 1):
            weight = getattr(self, f"conv{side}x{side}.weight")
            y = y + ops.depthwise(x, weight, None, side // 2) * a[index]
        return y


def merge(alpha: np.ndarray, k1: np.ndarray, k3: np.ndarray, k5: np.ndarray) -> np.ndarray:
    """The 5x5 kernel (C, 1, 5, 5) of an OmniShift's branches, rounded to float32 once."""
    a, k1, k3, k5 = (np.asarray(array, np.float64) for array in (alpha, k1, k3, k5))
    kernel = a[3] * k5
    kernel[:, :, 1:4, 1:4] += a[2] * k3
    kernel[:, :, 2:3, 2:3] += a[1] * k1
    kernel[:, :, 2, 2] += a[0]
    return kernel.astype(np.float32)


def _first_only(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The identity and, at a tenth each, the branches: gradients reach all of them."""
    return np.array([1.0, 0.1, 0.1, 0.1], np.float32)


def _decays(channels: int) -> Initialiser:
    spread = np.exp(np.linspace(math.log(_SLOWEST), math.log(_FASTEST), channels)).astype(np.float32)
    return lambda rng, shape: spread.copy()


class SpatialMix(Module):
    """Token mixing: gated WKV along the scan.

    Decay per token is decay / P^2 in a window of P x P tokens (decay / P along rows and columns) and the bonus is not
    divided at all, so both are constants of the model: no picture, tile or crop changes them.
    """

    def __init__(self, channels: int, config: RwkvConfig) -> None:
        self.cross, self.half = config.scan == "cross", channels // 2
        self.omni_shift = OmniShift(channels, config.merged)
        self.key, self.value, self.receptance, self.output = (Projection(channels, channels) for _ in range(4))
        self.parameter("decay", channels, init=_decays(channels))
        self.parameter("boost", channels)

    def __call__(self, x: Array, window: int) -> Array:
        s = self.omni_shift(x)
        k, v, r = self.key(s), self.value(s), ops.sigmoid(self.receptance(s))
        return self.output(r * self._attend(ops.as_float32(k), ops.as_float32(v), window))

    def _attend(self, k: Array, v: Array, window: int) -> Array:
        if not self.cross:
            return ops.wkv(k, v, self.decay * (1.0 / window**2), self.boost, window, window)
        n, decay, (h, w) = self.half, self.decay * (1.0 / window), k.shape[2:]
        rows = ops.wkv(k[:, :n], v[:, :n], decay[:n], self.boost[:n], 1, w)
        return ops.concat((rows, ops.wkv(k[:, n:], v[:, n:], decay[n:], self.boost[n:], h, 1)))


class ChannelMix(Module):
    """Channel mixing: a gated feed-forward network with squared ReLU, `rate` times as wide as its input."""

    def __init__(self, channels: int, rate: int, config: RwkvConfig) -> None:
        self.omni_shift = OmniShift(channels, config.merged)
        self.key, self.receptance = Projection(channels, rate * channels), Projection(channels, channels)
        self.value = Projection(rate * channels, channels)

    def __call__(self, x: Array) -> Array:
        s = self.omni_shift(x)
        hidden = ops.leaky_relu(self.key(s), 0.0)
        return ops.sigmoid(self.receptance(s)) * self.value(hidden * hidden)


class Block(Module):
    """Token mixing and channel mixing, each added to its input with a gain per channel."""

    def __init__(self, channels: int, rate: int, config: RwkvConfig) -> None:
        self.ln1, self.ln2 = LayerNorm(channels, _EPS), LayerNorm(channels, _EPS)
        self.parameter("gamma1", channels, init=constant(config.gamma))
        self.parameter("gamma2", channels, init=constant(config.gamma))
        self.spatial_mix, self.channel_mix = SpatialMix(channels, config), ChannelMix(channels, rate, config)

    def __call__(self, x: Array, window: int) -> Array:
        """(N, C, H, W) -> (N, C, H, W), scanned in windows of that side (any H and W)."""
        x = ops.add_scaled(x, self.gamma1, self.spatial_mix(self.ln1(x), window))
        return ops.add_scaled(x, self.gamma2, self.channel_mix(self.ln2(x)))
