"""Encoder effort: latents that decode to a better picture for their bits. Decoders know nothing of it.

An analysis transform gives the latents y of the average picture; those of this one are found by going through the
synthesis and back. At latents x near the decoded ones a step takes the gradient g of the distortion, in bits, and moves
y to where each would be best by itself if the others stayed, a Newton step along the diagonal of a Hessian that is
nearly a multiple h of the identity, since rounding steps of lite's latents are equal in the picture:

    y <- (1 - damping) y + damping (x - g / h)

Rounding with rate in mind (`CodecModel.quantise`) then weighs that point against the bits, in the next step's contexts.
Where latents are decoded from a symbol of zero, x is what decoders have: from y itself they would be pushed up again in
every step. Elsewhere it lies half-way between y and what decoders have, so that half of rounding's noise, which is
another one next time, stays out of the step. Steps are damped the more the later they are: x jumps, and all latents
move at once.

The first step needs no context model: which latents will be zero is enough to know, and a dead zone tells it well, as
wide as the scale of the channel makes the bits of a 1. There going back through the linear path alone does. Steps are
longer at high qualities, where fewer latents jump between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.pixels import Pixels, to_network
from hpcmcodec.codec.tiling import Span, Tile, TileGrid
from hpcmcodec.entropy.tables import logistic_survival
from hpcmcodec.errors import UsageError
from hpcmcodec.nn.tape import Taped
from hpcmcodec.progress import at

BLOCK, HALO, TRUSTED = 48, 4, 2
"""Latents along the side of what goes through the synthesis at a time; what is added around it; and how much of that
gives an error to go back from: further out the picture lacks its neighbours."""
BYTES_PER_PIXEL = 620
"""Of a block with its halo, on the way there and back."""

Latents = list[tuple[Tile, np.ndarray]]


WIDENING, MOST_BITS = 0.1, 9
"""Rounding steps by which a dead zone is wider for each bit that a 1 costs more than a 0; bits that count. What saves
`strength` of these bits for W (r^2 - (1 - r)^2) would be half as wide: this is measured."""


@dataclass(frozen=True)
class Effort:
    """`guess`: a step from latents that a dead zone stands in for the coding of, back through the linear path alone, in
    0.8 of an encoding's time. `steps`: then, from what is really decoded and through the whole synthesis, each with
    less damping than the one before, in two encodings' time."""

    guess: bool = False
    steps: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self.guess or self.steps > 0

    @property
    def cost(self) -> float:
        """Its time, in encodings."""
        return 0.8 * self.guess + 2 * self.steps

    def dampings(self, position: float) -> Iterator[tuple[bool, float]]:
        """Of all steps in order: whether it is the guess, and its damping. position: of the quality, 0..1."""
        longer = (2 + 2 * position) / 3
        if self.guess:
            yield True, 0.45 * longer
        first = (0.3, 0.35, 0.4)[min(self.steps, 3) - 1]
        yield from ((False, first * longer * (1 - i / self.steps)) for i in range(self.steps))


LEVELS = (Effort(), *(Effort(True, steps) for steps in (0, 1, 2, 3, 5, 8, 12, 20, 40)))
"""By the number that users give; measured by benchmarks/effort.py."""
DEFAULT_EFFORT = 0


def check_effort(level: int) -> None:
    """Raises UsageError for a level that there is none of."""
    if not 0 <= level < len(LEVELS):
        raise UsageError(f"effort {level} is out of range: choose 0 (fastest) to {len(LEVELS) - 1} (smallest files)")


def effort_of(level: int, model: CodecModel) -> Effort:
    """Raises UsageError for a level that there is none of. Networks of one rate, whose price of a bit nobody knows,
    have none but the first."""
    check_effort(level)
    return LEVELS[level if model.rate == "variable" else 0]


def refine(
    model: CodecModel,
    quality: float,
    grid: TileGrid,
    pixels: Pixels,
    latents: Latents,
    decode: Callable[[Latents], list[np.ndarray]],
    effort: Effort,
) -> None:
    """Makes the latents of a picture's tiles better, in place. `decode` gives x for them."""
    network = model.network
    cond = condition_of(network, quality)
    scale = np.float32(2 * bits_per_error(network, quality) / model.curvature)
    zone = dead_zone(cond.log_scale0[0])
    for number, (guessed, damping) in enumerate(effort.dampings(float(_position(quality)))):
        done, step = 0, 1 / (effort.guess + effort.steps)
        whole = np.empty((model.latent_channels, *grid.latent), np.float32)
        near = (np.where(abs(y) < zone, np.float32(0), y) for _, y in latents) if guessed else decode(latents)
        at(step * (number + 0.3))
        for (tile, _), x in zip(latents, near, strict=True):
            _part(whole, tile, x)[...] = x
        wanted = np.empty_like(whole)
        for rows, columns, part in _gradients(network, cond, grid, pixels, whole[None], guessed):
            block = np.s_[:, rows.start : rows.stop, columns.start : columns.stop]
            wanted[block] = whole[block] - scale * part[0]
            done += part.shape[2] * part.shape[3]
            at(step * (number + 0.3 + 0.7 * done / math.prod(grid.latent)))
        for tile, y in latents:
            y += np.float32(damping) * (_part(wanted, tile, y) - y)


def dead_zone(log_scale: np.ndarray) -> np.ndarray:
    """Magnitudes (M, 1, 1), in rounding steps, below which a latent is taken for one that will be zero. log_scale (M,):
    of the channels' logistic distributions."""
    half, more = (logistic_survival(x / np.exp(log_scale.astype(np.float64)), 1) for x in (0.5, 1.5))
    bits = np.log2(1 - 2 * half) - np.log2(np.maximum(half - more, np.finfo(np.float64).tiny))
    return (0.5 + WIDENING * np.clip(bits, 0, MOST_BITS)).astype(np.float32)[:, None, None]


def condition_of(network: Any, quality: float) -> Any:
    """The condition of a network itself."""
    return network.condition(np.array([_position(quality)], np.float32))


def _position(quality: float) -> np.float32:
    """Of a quality between the lowest, 0, and the highest, 1."""
    return (np.float32(quality) - np.float32(1)) / np.float32(99)


def curvature_at(network: Any, quality: float, pixels: Pixels, y_hat: np.ndarray) -> float:
    """h around decoded latents of a picture whose sides are multiples of the network's stride: how the gradient changes
    in a random direction."""
    cond, x = condition_of(network, quality), to_network(pixels, *pixels.shape[:2])
    way = np.random.default_rng(0).normal(0, 0.3, y_hat.shape).astype(np.float32)
    gradients = []
    for y in (y_hat, y_hat + way):
        source = Taped(y)
        made = network.synthesise(source, cond)
        gradients.append(made.gradient(source, made.value - x))
    slope = ((gradients[1] - gradients[0]) * way).sum() / np.square(way).sum()
    return 2 * bits_per_error(network, quality) * float(slope)


def bits_per_error(network: Any, quality: float) -> float:
    """What a squared error of one sample in 0..1 is worth in bits: lambda 255^2 / 3."""
    low, high = (math.log(slope) for slope in network.config.slopes)
    return math.exp(low + (quality - 1) / 99 * (high - low)) * 255**2 / 3


def memory(model: CodecModel, grid: TileGrid) -> int:
    """Bytes that refining a picture takes: its latents four times over, and a block on its way."""
    height, width = (min(side, BLOCK + 2 * HALO) * model.stride for side in grid.latent)
    return 4 * 4 * model.latent_channels * math.prod(grid.latent) + BYTES_PER_PIXEL * height * width


def _part(whole: np.ndarray, tile: Tile, like: np.ndarray) -> np.ndarray:
    return whole[:, tile.top : tile.top + like.shape[1], tile.left : tile.left + like.shape[2]]


def _gradients(
    network: Any, cond: Any, grid: TileGrid, pixels: Pixels, y_hat: np.ndarray, linear: bool
) -> Iterator[tuple[Span, Span, np.ndarray]]:
    """Rows, columns and gradient by the latents of half the squared error, block by block."""
    for rows in _cut(grid.latent[0]):
        for columns in _cut(grid.latent[1]):
            high, wide = (_wider(span, HALO, side) for span, side in zip((rows, columns), grid.latent, strict=True))
            block = np.ascontiguousarray(y_hat[:, :, slice(*high), slice(*wide)])
            source = Taped(block)
            made = network.sketch(source, cond) if linear else network.synthesise(source, cond)
            x_hat = network.synthesise(block, cond) if linear else made.value
            error = _error(x_hat, pixels, high, wide, (rows, columns), network.stride)
            found = made.gradient(source, error)
            top, left = rows.start - high.start, columns.start - wide.start
            yield (
                rows,
                columns,
                found[:, :, top : top + rows.stop - rows.start, left : left + columns.stop - columns.start],
            )


def _error(x_hat: np.ndarray, pixels: Pixels, high: Span, wide: Span, core: Sequence[Span], stride: int) -> np.ndarray:
    """Decoded picture of the block high x wide minus the original; 0 outside of the picture and far from the core."""
    error = np.zeros_like(x_hat)
    rows, columns = (
        Span(stride * max(span.start, inner.start - TRUSTED), min(side, stride * min(span.stop, inner.stop + TRUSTED)))
        for span, inner, side in zip((high, wide), core, pixels.shape[:2], strict=True)
    )
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return error
    own = np.s_[
        :,
        :,
        rows.start - stride * high.start : rows.stop - stride * high.start,
        columns.start - stride * wide.start : columns.stop - stride * wide.start,
    ]
    original = to_network(pixels[slice(*rows), slice(*columns)], rows.stop - rows.start, columns.stop - columns.start)
    difference = np.clip(x_hat[own], np.float32(0), np.float32(1)) - original
    error[own] = difference
    return error


def _cut(side: int) -> Iterator[Span]:
    """Blocks along a side, of about equal size."""
    count = -(-side // BLOCK)
    edges = [side * i // count for i in range(count + 1)]
    return (Span(*pair) for pair in pairwise(edges))


def _wider(span: Span, by: int, side: int) -> Span:
    return Span(span.start - by, span.stop + by).within(side)
