"""In which order the coefficients of the bands are coded.

The low band comes first as a whole. Then the three high bands go in lock step: they see the low band and what each of
them has decoded itself, not each other. A step says which bands it codes and the label of its elements in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from hpcmcodec.models import geometry
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.schedule import ContextStep, Step, hpcm_schedule
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.checkerboard import channel_labels

STREAM_LOW, STREAM_HIGH = 1, 2
PERIOD = 8
"""A band's grid for the traversal of HPCM is a multiple of this, so that windows and lattices fit."""
_HPCM_STEPS, _FIRST_FINE = 11, 5


@dataclass(frozen=True)
class BandStep(Step):
    """A step of the wavelet family; `scale` numbers its stream. `label` marks its elements in each of `bands`."""

    bands: tuple[int, ...]
    label: int


@dataclass(frozen=True)
class HpcmStep(BandStep):
    """`context` is the step of HPCM's traversal that it takes."""

    context: ContextStep


def hpcm_steps(skip_fine: bool) -> tuple[HpcmStep, ...]:
    """HPCM's traversal of both streams. With `skip_fine` the high bands have one step at scale 3."""
    context = hpcm_schedule()
    high = context[: _FIRST_FINE + 1] if skip_fine else context
    low = [HpcmStep(k, STREAM_LOW, bands.LOW, k, step) for k, step in enumerate(context)]
    return *low, *(HpcmStep(len(low) + k, STREAM_HIGH, bands.HIGH, k, step) for k, step in enumerate(high))


def checkerboard_steps(groups: int) -> tuple[BandStep, ...]:
    """One group after another, first of the low band, then of the high bands."""
    streams = (STREAM_LOW, bands.LOW), (STREAM_HIGH, bands.HIGH)
    return tuple(
        BandStep(index * groups + group, stream, which, group)
        for index, (stream, which) in enumerate(streams)
        for group in range(groups)
    )


@cache
def hpcm_labels() -> np.ndarray:
    """(8, 8, 8): the step of HPCM by channel eighth, row mod 8, column mod 8."""
    labels = np.full((1, PERIOD, PERIOD, PERIOD), -1.0)
    for step in hpcm_schedule():
        side = PERIOD >> (3 - step.scale)
        marks = geometry.unpack(np.ones((1, PERIOD // step.pattern.count, side, side)), step.pattern)
        for lattice in (SCALE1, SCALE2)[step.scale - 1 :]:
            marks = geometry.scatter(marks, lattice)
        labels += (step.index + 1) * marks
    return labels[0].astype(np.int8)


class Places:
    """Where the elements of every step lie in the bands of one latent of rows x columns.

    `grid`: rows and columns of a band as the context networks see it. `labels`: of each stream, (M or 1, *grid).
    """

    def __init__(self, labels: Mapping[int, np.ndarray], channels: int, rows: int, columns: int) -> None:
        self.grid = labels[STREAM_LOW].shape[1:]
        self.labels = labels
        self.channels = channels
        self.defined = [bands.mask(band, rows, columns, self.grid) for band in range(len(bands.BANDS))]
        """Per band, which positions are coded, (*grid) bool."""

    def of(self, step: BandStep) -> list[np.ndarray]:
        """For each of the step's bands, the places of its elements in the flat order of (M, *grid), ascending."""
        coded = self.labels[step.scale] == step.label
        shape = (self.channels, *self.grid)
        return [np.flatnonzero(np.broadcast_to(coded & self.defined[band], shape)) for band in step.bands]


def hpcm_places(steps: Sequence[BandStep], channels: int, rows: int, columns: int) -> Places:
    """Of HPCM's traversal, whose grids are extended to whole windows."""
    height, width = (-(-bands.halved(side) // PERIOD) * PERIOD for side in (rows, columns))
    labels = np.tile(hpcm_labels(), (1, height // PERIOD, width // PERIOD)).repeat(channels // PERIOD, 0)
    last = {step.scale: step.label for step in steps}
    return Places({stream: np.minimum(labels, label) for stream, label in last.items()}, channels, rows, columns)


def checkerboard_places(groups: int, rotate: bool, channels: int, rows: int, columns: int) -> Places:
    """Of the checkerboard, on the bands as they are."""
    label = channel_labels(groups, channels, bands.halved(rows), bands.halved(columns), rotate=rotate)
    return Places(dict.fromkeys((STREAM_LOW, STREAM_HIGH), label), channels, rows, columns)
