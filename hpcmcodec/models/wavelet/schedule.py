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
from hpcmcodec.nn.labels import Labels, Selection
from hpcmcodec.nn.sizes import AnySize, Size, round_up

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


@dataclass(frozen=True)
class Places:
    """Where the elements of every step lie in the bands of one latent of rows x columns.

    `grid`: rows and columns of a band as the context networks see it. `labels`: of each stream.
    """

    labels: Mapping[int, Labels]
    channels: int
    rows: AnySize
    columns: AnySize
    grid: tuple[AnySize, AnySize]

    def defined(self, band: int) -> tuple[AnySize, AnySize]:
        """Rows and columns of a band that are coded."""
        return bands.defined(band, self.rows, self.columns)

    def of(self, step: BandStep) -> Selection:
        """The elements of the step's bands."""
        parts = tuple(self.defined(band) for band in step.bands)
        return Selection(self.channels, self.labels[step.scale], step.label, parts)

    def empty(self, step: BandStep) -> bool:
        """Whether the step has no elements in a latent of this size; False where that is not known."""
        rows, columns = self.grid
        if isinstance(rows, Size) or isinstance(columns, Size):
            return False
        return all(len(index) == 0 for index in self.of(step).indexes(rows, columns))


def hpcm_places(steps: Sequence[BandStep], channels: int, rows: AnySize, columns: AnySize) -> Places:
    """Of HPCM's traversal, whose grids are extended to whole windows."""
    last = {step.scale: step.label for step in steps}
    labels = {stream: Labels.of(np.minimum(hpcm_labels(), label)) for stream, label in last.items()}
    height, width = (round_up(bands.halved(side), PERIOD) for side in (rows, columns))
    return Places(labels, channels, rows, columns, (height, width))


def checkerboard_places(groups: int, rotate: bool, channels: int, rows: AnySize, columns: AnySize) -> Places:
    """Of the checkerboard, on the bands as they are."""
    labels = dict.fromkeys((STREAM_LOW, STREAM_HIGH), channel_labels(groups, rotate=rotate))
    return Places(labels, channels, rows, columns, (bands.halved(rows), bands.halved(columns)))
