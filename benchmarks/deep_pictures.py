"""Pictures of 10, 12 and 16 bits for benchmarks/exact.py: ramps, and photographs of more bits than their files have.

    python benchmarks/deep_pictures.py RAMPS PHOTOGRAPHS --of PHOTO...

Ramps are grey or RGB, straight, round or waves, rounded or dithered by half a level. Photographs are made from those of
8 bits: the means of 2 x 2 pixels as they are, or of their linear light, and of that with the noise of 20 000 electrons.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hpcmcodec.formats.picture import Picture
from hpcmcodec.formats.picture_output import write_picture

Plane = NDArray[np.float64]
SIDE = 512
ELECTRONS = 20_000
SHAPES: dict[str, Callable[[Plane, Plane, int], Plane]] = {
    "straight": lambda y, x, k: (1 - k / 2) * x + k / 2 * y,
    "round": lambda y, x, k: 1 - np.hypot(x - 0.3 - k / 10, y - 0.4) / 1.2,
    "waves": lambda y, x, k: 0.5 + 0.1 * np.cos(2.1 * x + 0.3 * k) * np.sin(1.7 * y + 0.2),
}
"""Of y and x from 0 to 1 and the channel: the value."""


def levels(values: Plane, depth: int) -> Picture:
    """(H, W, C) from 0 to 1 -> a picture."""
    last = 2**depth - 1
    return Picture(np.clip(np.rint(values * last), 0, last).astype(np.uint16), depth=depth)


def ramp(shape: str, channels: int, depth: int, dithered: bool) -> Picture:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    values = np.stack([SHAPES[shape](y, x, k) for k in range(channels)], axis=-1)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, values.shape) if dithered else 0.0
    return levels(values + noise / (2**depth - 1), depth)


def photograph(path: Path, depth: int, linear: bool, noisy: bool) -> Picture:
    """A half as wide and high."""
    with Image.open(path) as image:
        v = np.asarray(image.convert("RGB")) / 255
    if linear:
        v = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    v = (v[::2, ::2] + v[1::2, ::2] + v[::2, 1::2] + v[1::2, 1::2]) / 4
    noise = np.random.default_rng(0).normal(size=v.shape) * np.sqrt(v / ELECTRONS) if noisy else 0.0
    return levels(v + noise, depth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ramps", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--of", type=Path, nargs="+", required=True, help="of even sides")
    options = parser.parse_args()
    for folder in (options.ramps, options.photographs):
        folder.mkdir(parents=True, exist_ok=True)
    for depth, channels, shape, dithered in itertools.product((10, 12, 16), (1, 3), SHAPES, (False, True)):
        name = f"{depth}_bits,_{'grey' if channels == 1 else 'RGB'},_{shape}{',_dithered' if dithered else ''}"
        write_picture(ramp(shape, channels, depth, dithered), options.ramps / f"{name}.ppm")
    for path, depth, (linear, noisy) in itertools.product(
        options.of, (12, 16), ((False, False), (True, False), (True, True))
    ):
        name = f"{path.stem}_{depth}_bits{',_linear' if linear else ''}{',_noisy' if noisy else ''}"
        write_picture(photograph(path, depth, linear, noisy), options.photographs / f"{name}.ppm")


if __name__ == "__main__":
    main()
