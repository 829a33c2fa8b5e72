"""What finer priors could save at most: a hyper-latent that is predicted from its neighbours, corrected scales.

    python benchmarks/priors.py PICTURES [-o FILE]

For each quality, bits of the shipped model's symbols under other probabilities, in percent of all; nothing is trained
but what follows. Hyper-latent: each channel's integers with the mean of a linear prediction from the cells at the left,
above and in both upper corners, beside one mean and scale for the channel; fitted to every other picture, measured on
the rest. Latent: the best of -4 to 4 table rows added to all predicted scales of a picture, to those of a coding step,
or to those of a step's channel; what is said in the file costs nothing for a picture or a step, and 0.3 bits for a
channel that keeps its scales, 4.3 for one that does not.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import record
from kodak import pictures_in

from hpcmcodec.codec.calibrate import steps_of
from hpcmcodec.codec.encoder import for_network
from hpcmcodec.codec.model import TRELLIS_STRENGTH, CodecModel
from hpcmcodec.codec.pixels import to_network
from hpcmcodec.codec.refine import condition_of
from hpcmcodec.formats.picture import Picture
from hpcmcodec.formats.pictures import read_picture
from hpcmcodec.models import store

Floats = npt.NDArray[np.float64]

QUALITIES = (15, 50, 85)
SHIFTS = range(-4, 5)
UNCHANGED, CHANGED = 0.3, 4.3
"""Bits that a channel's correction costs: about one in eight changed, and which of eight."""
SCALES = np.exp(np.linspace(np.log(0.08), np.log(8.0), 40))


@dataclass
class Found:
    """Of one quality: hyper-latents of the pictures; bits of latents, as they are and with corrected scales."""

    hyper: list[Floats] = field(default_factory=list)
    latent: list[Floats] = field(default_factory=list)


def logistic_bits(offset: Floats, scale: float) -> float:
    """Of integers that lie `offset` from the mean of a discretised logistic distribution."""
    above, below = (1.0 / (1.0 + np.exp(-(offset + side) / scale)) for side in (0.5, -0.5))
    return float(-np.log2(np.maximum(above - below, 1e-9)).sum())


def neighbours(z: Floats) -> Floats:
    """Of every cell of z (h, w): left, above, above left, above right; 0 beyond the edge. (h * w, 4)."""
    wide = np.pad(z, 1)
    h, w = z.shape
    places = ((1, 0), (0, 1), (0, 0), (0, 2))
    return np.stack([wide[i : i + h, j : j + w].ravel() for i, j in places], axis=1)


def hyper_bits(hyper: list[Floats]) -> Floats:
    """Bits of every other picture's hyper-latent (C, h, w): channels by themselves, and from neighbours."""
    fit, measure = hyper[::2], hyper[1::2]
    total = np.zeros(2)
    for channel in range(hyper[0].shape[0]):
        x, y = (np.concatenate([f(z[channel]) for z in fit]) for f in (neighbours, np.ravel))
        x_new, y_new = (np.concatenate([f(z[channel]) for z in measure]) for f in (neighbours, np.ravel))
        weights = np.linalg.solve(x.T @ x + np.eye(4), x.T @ y)
        pairs = ((y - y.mean(), y_new - y.mean()), (y - x @ weights, y_new - x_new @ weights))
        for way, (seen, new) in enumerate(pairs):
            scale = min(SCALES, key=lambda s: logistic_bits(seen, s))
            total[way] += logistic_bits(new, scale)
    return total


def latent_bits(model: CodecModel, pixels: npt.NDArray[np.uint8], quality: float) -> Floats:
    """Bits of a picture's latent: as it is; with scales corrected for the picture, each step, each of its channels."""
    by_channel = []  # of each step: (shifts, channels)
    assert model.coder.levels is not None
    rows_each = model.coder.levels.shape[1]
    steps = steps_of(model, quality, for_network(Picture(pixels)))
    for step, (residual, rows) in zip(model.network.schedule, steps, strict=True):
        coded = model.coder.quantise(residual, rows, TRELLIS_STRENGTH)
        table, row = np.divmod(coded.rows.astype(np.int64), rows_each)
        bits = []
        for shift in SHIFTS:
            other = table * rows_each + np.clip(row + shift, 0, rows_each - 1)
            bits.append(model.coder.bits(coded.symbols, other.astype(np.uint16)).reshape(step.elements, -1).sum(axis=1))
        by_channel.append(np.stack(bits).astype(np.float64))
    kept = SHIFTS.index(0)
    said = np.array([UNCHANGED if shift == 0 else CHANGED for shift in SHIFTS])[:, None]
    by_step = np.stack([bits.sum(axis=1) for bits in by_channel])
    return np.array(
        [
            by_step[:, kept].sum(),
            by_step.sum(axis=0).min(),
            by_step.min(axis=1).sum(),
            sum((bits + said).min(axis=0).sum() for bits in by_channel),
        ]
    )


def look(model: CodecModel, pixels: npt.NDArray[np.uint8], quality: float, found: Found) -> None:
    """Adds one picture, whose sides are multiples of a hyper-latent's cell."""
    height, width = pixels.shape[:2]
    condition = condition_of(model.network, quality)
    y = model.network.analyse(to_network(pixels, height, width), condition)
    found.hyper.append(np.rint(np.asarray(model.network.hyper_analyse(y, condition), np.float64)[0]))
    found.latent.append(latent_bits(model, pixels, quality))


def row_of(quality: int, found: Found) -> dict[str, Any]:
    """Percent of the bits of latents and hyper-latents together."""
    plain, predicted = hyper_bits(found.hyper)
    hyper = plain / sum(z[0].size for z in found.hyper[1::2]) * sum(z[0].size for z in found.hyper)
    latent = np.sum(found.latent, axis=0)
    whole = hyper + latent[0]
    gains = {"hyper_from_neighbours": hyper * (predicted / plain - 1), "picture": latent[1] - latent[0]}
    gains |= {"step": latent[2] - latent[0], "channel": latent[3] - latent[0]}
    return {
        "quality": quality,
        "hyper": 100 * hyper / whole,
        **{name: 100 * bits / whole for name, bits in gains.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    model = CodecModel.load(store.find(None))
    found = {quality: Found() for quality in QUALITIES}
    for path in pictures_in(arguments.folder):
        pixels = read_picture(path).pixels
        height, width = (side // model.pad_multiple * model.pad_multiple for side in pixels.shape[:2])
        for quality in QUALITIES:
            look(model, np.ascontiguousarray(pixels[:height, :width]), quality, found[quality])
        print(path.name, flush=True)
    rows = [row_of(quality, one) for quality, one in found.items()]
    columns = ("quality", "hyper-latent", "from neighbours", "scales by picture", "by step", "by step and channel")
    cells = [
        [f"{row['quality']}", f"{row['hyper']:.1f} %", *(f"{v:+.2f} %" for v in list(row.values())[2:])] for row in rows
    ]
    record.report(rows, {"priors": record.table(columns, cells)}, arguments.output)


if __name__ == "__main__":
    main()
