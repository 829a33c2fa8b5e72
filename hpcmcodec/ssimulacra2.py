"""SSIMULACRA2, version 2.1: how different a decoded picture looks, on a scale that was fitted to what people say.

Source: github.com/cloudinary/ssimulacra2 (Sneyers, 2022 and 2023), whose definition and weights these are. 100 is no
difference, 90 cannot be told apart when flickering between the two, 70 is good, 50 fair, 30 poor; very bad ones are
below zero. Pictures are taken as sRGB; an ICC profile or code points are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
LEAST_SIDE = 8
"""Smaller pictures have no value."""
PIXEL_BYTES = 46
"""Memory that a pixel takes, of both pictures in linear light and of half their size."""
_SCALES = 6
_ROWS = 128  # that are worked on at a time
_REACH = 4  # of the blur: samples before and behind that count
_SPAN = 10  # from a sample that enters to the one that leaves
_C2 = np.float32(0.0009)
_BIAS = np.float32(0.0037930732552754493)
_ABSORBANCE = np.array(
    (
        (0.3, 0.622, 0.078),
        (0.23, 0.692, 0.078),
        (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
    ),
    np.float32,
)
_BACKGROUNDS = (0.1, 0.9)  # behind pictures with alpha, in coded values
# fmt: off
_WEIGHTS = np.array((  # of channel (X, Y, B), scale, norm (first, fourth), map
    0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0, 0, 0.0004371155730107379, 0, 1.1041726426657346,
    0.00066284834129271, 0.00015231632783718752, 0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666,
    0, 0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387, 10.94906990605142, 0,
    0.0007289346991508072, 0.9677937080626833, 0, 0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
    0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0, 0, 0, 0, 7.466890328078848, 0, 17.445833984131262,
    0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264, 225.20515300849274, 0,
    0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985, 176.39317598450694, 0, 0, 24.43300999870476,
    0.28520802612117757, 0.0004485436923833408, 0, 0, 0, 34.77906344483772, 44.835625328877896, 0, 0, 0, 0, 0, 0, 0,
    0, 0.0008680556573291698, 0, 0, 0, 0, 0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0, 0, 0, 0,
    0.0004179171803251336, 0.0017290828234722833, 0, 0.0020827005846636437, 0, 0, 8.826982764996862,
    23.19243343998926, 0, 95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493,
    171.2667255897307, 0.9807858872435379, 0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537,
))
# fmt: on


def ssimulacra2(original: NDArray[Any], decoded: NDArray[Any], alpha: NDArray[Any] | None = None) -> float | None:
    """At most 100; None below LEAST_SIDE.

    original, decoded: (H, W, 1 or 3) of one shape and type, uint8 or uint16, that use all bits of it. alpha: (H, W),
    of both; then the worse of what is seen before a dark and a bright background.
    """
    if min(original.shape[:2]) < LEAST_SIDE:
        return None
    if alpha is None:
        return _score(_linear(original), _linear(decoded))
    opaque = (alpha / np.float32(np.iinfo(alpha.dtype).max)).astype(np.float32)
    return min(_score(_linear(original, opaque, behind), _linear(decoded, opaque, behind)) for behind in _BACKGROUNDS)


def _score(x: Plane, y: Plane) -> float:
    """Of two pictures (3, H, W) in linear light."""
    scales: list[NDArray[np.float64]] = []
    while len(scales) < _SCALES and min(x.shape[1:]) >= LEAST_SIDE:
        if scales:
            x, y = _halved(x), _halved(y)
        scales.append(_norms(x, y))
    norms = np.stack(scales, 1).ravel()  # of small pictures with fewer scales: the first weights, in this very order
    total = 0.9562382616834844 * float(norms @ _WEIGHTS[: norms.size])
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 100 - 10 * total**0.6276336467831387 if total > 0 else 100.0


def _linear(pixels: NDArray[Any], opaque: Plane | None = None, behind: float = 0) -> Plane:
    """sRGB's samples as linear light (3, H, W), before a background where there is alpha."""
    most = int(np.iinfo(pixels.dtype).max)
    planes = np.moveaxis(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), 2, 0)
    if opaque is None:
        table = _to_linear(np.arange(most + 1, dtype=np.float32) / np.float32(most))
        return table[planes]
    shown = planes.astype(np.float32) / np.float32(most) * opaque + (1 - opaque) * np.float32(behind)
    return _to_linear(shown)


def _to_linear(coded: Plane) -> Plane:
    bright = np.power((coded + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.where(coded <= np.float32(0.04045), coded / np.float32(12.92), bright)


def _halved(x: Plane) -> Plane:
    """Averages of four; a last row or column of an odd side counts twice."""
    x = np.pad(x, ((0, 0), *((0, side % 2) for side in x.shape[1:])), mode="edge")
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) * np.float32(0.25)


def _perceived(linear: Plane) -> Plane:
    """Linear light -> XYB (3, H, W), each about 0..1, B as its difference to Y."""
    root = np.cbrt(_BIAS)
    mixed = np.tensordot(_ABSORBANCE, linear, 1) + _BIAS
    long, medium, short = np.cbrt(np.maximum(mixed, 0, out=mixed), out=mixed) - root
    luma = (long + medium) * np.float32(0.5)
    return np.stack(
        (
            (long - medium) * np.float32(7) + np.float32(0.42),
            luma + np.float32(0.01),
            short - luma + np.float32(0.55),
        )
    )


def _norms(x: Plane, y: Plane) -> NDArray[np.float64]:
    """Of two pictures in linear light, by channel: first and fourth norm of three maps of errors (3, 2, 3): structure,
    edges that were added, and edges that were lost."""
    height, width = x.shape[1:]
    sums = np.zeros((3, 2, 3))
    channels = [_Channel(width) for _ in range(3)]
    for top in range(0, height + _REACH, _ROWS):
        rows = min(_ROWS, height + _REACH - top)
        pairs = zip(channels, _band(x, top, rows), _band(y, top, rows), strict=True)
        for number, (channel, *pair) in enumerate(pairs):
            for kind, errors in enumerate(channel.errors(*pair)):
                squares = (errors * errors).ravel()
                sums[number, :, kind] += errors.sum(dtype=np.float64), np.dot(squares, squares)
    means = sums / (height * width)
    means[:, 1] **= 0.25
    return means


def _band(linear: Plane, top: int, rows: int) -> Plane:
    """Rows as they are perceived (3, rows, W), zero below the picture."""
    inside = _perceived(linear[:, top : top + rows])
    return np.pad(inside, ((0, 0), (0, rows - inside.shape[1]), (0, 0)))


class _Channel:
    """A channel of two pictures, that comes in bands of rows."""

    def __init__(self, width: int) -> None:
        self._pair: Plane = np.zeros((2, 0, width), np.float32)  # rows that wait for the blur
        self._blur = _Blur(width)

    def errors(self, x: Plane, y: Plane) -> Iterator[Plane]:
        """The maps of as many rows, _REACH above those that are given, and as many fewer at the first time."""
        pair = np.stack((x, y))
        mx, my, xx, yy, xy = self._blur(np.stack((x, y, x * x, y * y, x * y)))
        x, y = waiting = np.concatenate((self._pair, pair), 1)[:, : mx.shape[0]]
        self._pair = np.concatenate((self._pair, pair), 1)[:, waiting.shape[1] :]
        structure = (1 - np.square(mx - my)) * (2 * (xy - mx * my) + _C2) / ((xx - mx * mx) + (yy - my * my) + _C2)
        yield np.maximum(1 - structure, 0)
        edges = (1 + np.abs(y - my)) / (1 + np.abs(x - mx)) - 1
        yield np.maximum(edges, 0)
        yield np.maximum(-edges, 0)


class _Blur:
    """A Gaussian of sigma 1.5 over five planes, that come in bands of rows and are zero beyond their borders.

    As the program does it: by the recursion of Charalampidis (2016, IEEE Trans. Signal Processing 64), along rows and
    then along columns, in binary32. Its noise grows along the way, and counts in flat areas, by points.
    """

    def __init__(self, width: int) -> None:
        self._last: Plane = np.zeros((_SPAN, 5 * width), np.float32)
        self._state = np.zeros((2, 3, 5 * width))
        self._first = True

    def __call__(self, planes: Plane) -> Plane:
        """(5, rows, W) -> (5, rows, W), _REACH rows above, and as many fewer at the first time."""
        count, rows, width = planes.shape
        across = np.zeros((_SPAN + width + _REACH, count * rows), np.float32)
        across[_SPAN : _SPAN + width] = planes.reshape(-1, width).T
        out = _recursion(across, np.zeros((2, 3, count * rows)))[_REACH:]
        down = out.reshape(width, count, rows).transpose(2, 1, 0).reshape(rows, -1)
        taken = np.concatenate((self._last, down))
        self._last = taken[-_SPAN:]
        out = _recursion(taken, self._state)[_REACH * self._first :]
        self._first = False
        return out.reshape(len(out), count, width).transpose(1, 0, 2)


def _recursion(x: Plane, state: NDArray[np.float64]) -> Plane:
    """(_SPAN + n, M) -> (n, M) along the first axis, _REACH samples behind. state: (2, 3, M), what the three waves gave
    last and before, which changes. Each product with its sum is rounded to binary32 once."""
    sums = x[_SPAN:] + x[:-_SPAN]
    out, (last, before) = np.empty_like(sums), state
    exact, rounded = np.empty_like(last), np.empty(last.shape, np.float32)
    for given, made in zip(sums, out, strict=True):
        np.multiply(last, _TURN, out=exact)
        np.subtract(exact, before, out=exact)
        rounded[...] = exact
        np.multiply(_GAIN, given, out=before)
        np.add(before, rounded, out=exact)
        rounded[...] = exact
        before, last = last, before
        last[...] = rounded
        np.add(rounded[1], rounded[2], out=made)
        np.add(rounded[0], made, out=made)
    state[...] = last.copy(), before.copy()
    return out


def _waves() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the three truncated cosines that stand for the Gaussian, as little changed as gives the right sum and
    variance: how the next sample follows from the last one, and what a sample adds (each (3, 1), of binary32)."""
    sigma, radius = 1.5, _SPAN // 2
    place, omega = np.arange(-radius, radius + 1), np.array((1, 3, 5)) * math.pi / (2 * radius)
    waves = np.cos(omega[:, None] * place)
    shares = np.exp(-((sigma * omega) ** 2) / 2) / radius
    moments = np.stack((waves.sum(1), (waves * place**2).sum(1)))
    shares += np.linalg.pinv(moments) @ ((1, sigma**2) - moments @ shares)
    found = 2 * np.cos(omega), -shares * np.cos(omega * (radius + 1))
    turn, gain = (value.astype(np.float32).astype(np.float64)[:, None] for value in found)
    return turn, gain


_TURN, _GAIN = _waves()
