"""A picture coded so that it meets a target: at a quality of the learned scale, and exactly or nearly so beyond it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcmcodec.codec.choose import looks_exact
from hpcmcodec.codec.exact import MOST_NEAR
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.refine import Effort
from hpcmcodec.codec.target import Target, Unmet
from hpcmcodec.codec.trials import Trials
from hpcmcodec.formats.depth import scaled
from hpcmcodec.formats.picture import Picture, Samples
from hpcmcodec.ssimulacra2 import LEAST_SIDE, ssimulacra2

if TYPE_CHECKING:
    from hpcmcodec.codec.encoder import Encoder

LADDER = ((4, 39.9, 85.3), (3, 42.1, 89.2), (2, 45.1, 92.6), (1, 49.9, 95.6))
"""Greatest errors of a sample in 8 bits that are tried beyond the learned scale, and about what they give: PSNR of
errors that are spread evenly, SSIMULACRA2 of five pictures of Kodak."""
_HOPELESS = 4.0
"""So far below a target nothing is tried."""


class Reached(NamedTuple):
    """A file, and what it misses of the target, None for nothing."""

    data: bytes
    missed: str | None = None


def reach(encoder: Encoder, picture: Picture, target: Target, *, tile_size: int | None, effort: Effort) -> Reached:
    """The file that meets a target, or comes nearest. Beyond quality 100 a PSNR or SSIMULACRA2 is met by a file that
    needs no model, within the greatest error of LADDER that does or exactly. Graphics are coded exactly where that
    meets the target in fewer bytes, and pictures that are too small for SSIMULACRA2."""
    if target.ssimulacra2 is not None and min(picture.pixels.shape[:2]) < LEAST_SIDE:
        return Reached(encoder.exactly(picture))
    with normative():
        trials = Trials(encoder, picture, tile_size=tile_size, effort=effort)
    size = target.bytes_at_most(trials.pixels)
    alone = encoder.exactly(picture) if looks_exact(picture) is not None else None
    if alone is not None and size is not None and len(alone) <= size:
        return Reached(alone)
    measure = trials.size if size is not None else trials.psnr if target.psnr is not None else trials.ssimulacra2
    found = target.search(measure, trials.pixels)
    if isinstance(found, Unmet):
        if size is None:
            return Reached(alone or _nearly(encoder, picture, target))
        smallest = found.data if alone is None or len(found.data) < len(alone) else alone
        return Reached(smallest, str(found))
    return Reached(found if alone is None or len(found) < len(alone) else alone)


def fidelity(picture: Picture, shown: Samples, target: Target) -> float:
    """The measure of the target between a picture and what its file shows; infinite if SSIMULACRA2 has none."""
    if target.psnr is not None:
        error = float(np.mean(np.square(picture.pixels.astype(np.float32) - shown), dtype=np.float64))
        return 10 * math.log10((2**picture.depth - 1) ** 2 / error) if error else math.inf
    bits = 8 * picture.pixels.itemsize
    original, decoded = (scaled(samples, picture.depth, bits) for samples in (picture.pixels, shown))
    alpha = None if picture.alpha is None else scaled(picture.alpha, picture.depth, bits)
    value = ssimulacra2(original, decoded, alpha)
    return (math.inf if np.array_equal(picture.pixels, shown) else -math.inf) if value is None else value


def _nearly(encoder: Encoder, picture: Picture, target: Target) -> bytes:
    """The first of LADDER that meets a PSNR or SSIMULACRA2, else the picture itself."""
    goal, step = target.fidelity or 0, (2**picture.depth - 1) // 255
    for steps, psnr, points in LADDER:
        near = min(steps * step, MOST_NEAR)
        if (psnr if target.psnr is not None else points) < goal - _HOPELESS:
            continue
        data = encoder.exactly(picture, near)
        if fidelity(picture, encoder.decoded(data).pixels, target) >= goal:
            return data
    return encoder.exactly(picture)
