"""The operations of `ops` on arrays that do not exist yet: a network called with one writes down what it would do.

The result is a graph whose nodes know which rows and columns of their inputs they need, so the receptive field of any
network comes from its own layers. `strips` runs such a graph over a part of a picture, or over all of it piece by
piece, and gets the bits of the whole.

Only operations whose results depend on a bounded neighbourhood are here; any other raises `NotLocalError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np

from . import native

Array = np.ndarray


class NotLocalError(TypeError):
    """The network uses an operation that needs the whole picture, so that it cannot run piece by piece."""


class Span(NamedTuple):
    """A range of rows or of columns: start <= i < stop."""

    start: int
    stop: int

    def within(self, size: int) -> Span:
        """The part of it in 0 .. size."""
        return Span(max(self.start, 0), min(self.stop, size))

    def hull(self, other: Span) -> Span:
        """The smallest range that has both."""
        return Span(min(self.start, other.start), max(self.stop, other.stop))


@dataclass(frozen=True)
class Reach:
    """Which inputs a range of results needs, along either axis.

    `take` inputs make `give` results, and a result needs `before` inputs more above its own unit and `after` below it.
    Units begin `shift` above the multiples of `take`. A piece of the input must begin at a multiple of `take`, so that
    its results are in step with the whole's.
    """

    take: int = 1
    give: int = 1
    before: int = 0
    after: int = 0
    shift: int = 0

    def needs(self, span: Span) -> Span:
        """Inputs for the results `span`, whole units of `take`, which may lie outside the input."""
        start = (span.start + self.shift) // self.give * self.take - self.shift - self.before
        stop = -((-span.stop - self.shift) // self.give) * self.take - self.shift + self.after
        return Span(start // self.take * self.take, -(-stop // self.take) * self.take)

    def result(self, start: int) -> int:
        """Where the results of a piece of the input begin that begins at `start`."""
        return start // self.take * self.give


LOCAL = Reach()


class Lazy:
    """A node: an array (1, C, H, W) to be made of other nodes by `run`. Without inputs it is a source."""

    __array_ufunc__ = None  # numpy arrays leave `array + lazy` to this class

    def __init__(
        self,
        shape: tuple[int, ...],
        inputs: Sequence[Lazy] = (),
        run: Callable[..., Array] | None = None,
        reach: Reach = LOCAL,
    ) -> None:
        self.shape, self.inputs, self.run, self.reach = shape, tuple(inputs), run, reach

    def __getitem__(self, index: Any) -> Lazy:
        channels = index[1] if isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None) else None
        if not isinstance(channels, slice):
            _refuse("indexing other than of channels")
        count = len(range(*channels.indices(self.shape[1])))
        return _local(self, lambda a: a[:, channels], channels=count)

    def __add__(self, other: Any) -> Lazy:
        return _elementwise(self, other, native.add)

    def __radd__(self, other: Any) -> Lazy:
        return _elementwise(self, other, lambda a, b: b + a)

    def __sub__(self, other: Any) -> Lazy:
        return _elementwise(self, other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Lazy:
        return _elementwise(self, other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Lazy:
        return _elementwise(self, other, lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Lazy:
        return _elementwise(self, other, lambda a, b: b * a)


def source(channels: int, height: int, width: int) -> Lazy:
    """What a network is called with."""
    return Lazy((1, channels, height, width))


def _refuse(what: str) -> NoReturn:
    raise NotLocalError(f"{what} cannot run piece by piece")


def __getattr__(name: str) -> Any:
    """Operations of `ops` that are missing here."""
    if name.startswith("_"):
        raise AttributeError(name)
    _refuse(name)


def _local(x: Lazy, run: Callable[[Array], Array], channels: int | None = None, reach: Reach = LOCAL) -> Lazy:
    """One input; the size follows from `reach`."""
    n, c, h, w = x.shape
    if h % reach.take or w % reach.take:
        _refuse(f"a map of {h} x {w} in units of {reach.take}")
    rows, columns = reach.result(h), reach.result(w)
    return Lazy((n, c if channels is None else channels, rows, columns), (x,), run, reach)


def _elementwise(x: Lazy, other: Any, run: Callable[[Any, Any], Array]) -> Lazy:
    if isinstance(other, Lazy):
        if other.shape != x.shape:
            _refuse(f"arithmetic of {x.shape} and {other.shape}")
        return Lazy(x.shape, (x, other), run)
    shape = np.shape(other)
    if len(shape) > 4 or np.broadcast_shapes(shape, (*x.shape[:2], 1, 1)) != (*x.shape[:2], 1, 1):
        _refuse(f"arithmetic of {x.shape} and an array of {shape}")
    return _local(x, lambda a: run(a, other))


# ---------------------------------------------------------------------------------------------- convolutions
def _window(kernel: int, stride: int, padding: int) -> Reach:
    """Result i needs inputs i * stride - padding .. + kernel - 1."""
    return Reach(take=stride, before=padding, after=max(0, kernel - padding - stride))


def conv2d(x: Lazy, weight: Array, bias: Array | None, stride: int = 1, padding: int = 0) -> Lazy:
    kernel = weight.shape[2]
    if kernel != weight.shape[3] or not stride <= kernel <= stride + 2 * padding < kernel + stride:
        _refuse(f"a convolution {weight.shape} with stride {stride} and padding {padding}")
    run = lambda a: native.conv2d(a, weight, bias, stride, padding)  # noqa: E731
    return _local(x, run, weight.shape[0], _window(kernel, stride, padding))


def matrix(x: Lazy, weight: Array) -> Lazy:
    return _local(x, lambda a: native.matrix(a, weight), weight.shape[0])


def conv_transpose2d(x: Lazy, weight: Array, bias: Array | None, stride: int, padding: int = 0) -> Lazy:
    kernel = weight.shape[2]
    if kernel != weight.shape[3] or kernel != stride + 2 * padding:
        _refuse(f"a transposed convolution {weight.shape} with stride {stride} and padding {padding}")
    # Result r meets the inputs i with 0 <= r + padding - i * stride < kernel.
    reach = Reach(give=stride, before=-(-padding // stride), after=-(-padding // stride))
    run = lambda a: native.conv_transpose2d(a, weight, bias, stride, padding)  # noqa: E731
    return _local(x, run, weight.shape[1], reach)


def depthwise(x: Lazy, weight: Array, bias: Array | None, padding: int = 1) -> Lazy:
    kernel = weight.shape[2]
    if kernel != weight.shape[3] or kernel != 1 + 2 * padding:
        _refuse(f"a depthwise convolution {weight.shape} with padding {padding}")
    return _local(x, lambda a: native.depthwise(a, weight, bias, padding), reach=_window(kernel, 1, padding))


def pconv_rb(x: Lazy, sw: Array, *rest: Array) -> Lazy:
    return _local(x, lambda a: native.pconv_rb(a, sw, *rest), reach=_window(sw.shape[2], 1, sw.shape[2] // 2))


def dwconv_rb(x: Lazy, sw: Array, *rest: Array) -> Lazy:
    return _local(x, lambda a: native.dwconv_rb(a, sw, *rest), reach=_window(sw.shape[2], 1, sw.shape[2] // 2))


# ---------------------------------------------------------------------------------------------- positions on their own
def window_attention(q: Lazy, k: Lazy, v: Lazy, window: int, heads: int) -> Lazy:
    run = lambda q, k, v: native.window_attention(q, k, v, window, heads)  # noqa: E731
    return Lazy(v.shape, (q, k, v), run, Reach(window, window))


def layer_norm(x: Lazy, weight: Array, bias: Array, eps: float) -> Lazy:
    return _local(x, lambda a: native.layer_norm(a, weight, bias, eps))


def softmax(x: Lazy) -> Lazy:
    return _local(x, native.softmax)


def leaky_relu(x: Lazy, slope: float = 0.01) -> Lazy:
    return _local(x, lambda a: native.leaky_relu(a, slope))


def exp(x: Lazy) -> Lazy:
    return _local(x, native.exp)


def sigmoid(x: Lazy) -> Lazy:
    return _local(x, native.sigmoid)


def scale_shift(x: Lazy, scale: Array, shift: Array) -> Lazy:
    return _local(x, lambda a: native.scale_shift(a, scale, shift))


def signed_log_feature(v: Lazy, s0: Array) -> Lazy:
    return _local(v, lambda a: native.signed_log_feature(a, s0), 2 * v.shape[1])


def as_float32(x: Lazy) -> Lazy:
    return x


def stop_gradient(x: Lazy) -> Lazy:
    return x


def concat(parts: Sequence[Lazy]) -> Lazy:
    n, _, h, w = parts[0].shape
    return Lazy((n, sum(part.shape[1] for part in parts), h, w), parts, lambda *arrays: native.concat(arrays))


# ---------------------------------------------------------------------------------------------- blocks of positions
def pixel_shuffle(x: Lazy, factor: int) -> Lazy:
    run = lambda a: native.pixel_shuffle(a, factor)  # noqa: E731
    return _local(x, run, x.shape[1] // factor**2, Reach(give=factor))


def pixel_unshuffle(x: Lazy, factor: int) -> Lazy:
    run = lambda a: native.pixel_unshuffle(a, factor)  # noqa: E731
    return _local(x, run, x.shape[1] * factor**2, Reach(take=factor))


def haar(x: Lazy) -> Lazy:
    return _local(x, native.haar, 4 * x.shape[1], Reach(take=2))


def inverse_haar(bands: Lazy) -> Lazy:
    return _local(bands, native.inverse_haar, bands.shape[1] // 4, Reach(give=2))


def lapped_filter(x: Lazy, p: Array) -> Lazy:
    block = p.shape[0]
    return _local(x, lambda a: native.lapped_filter(a, p), reach=Reach(block, block, shift=block // 2))
