"""A size or a fidelity to meet, and the search for the quality that does it with few trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import NamedTuple

from hpcmcodec.errors import UsageError

Measure = Callable[[float], tuple[float, bytes]]
"""quality -> (bytes, PSNR in dB, or SSIMULACRA2; the file)."""

STEP = 1 / 16
"""Qualities that are tried are multiples of this; one step changes the size by about 0.18 %."""
MOST_TRIALS = 16
SIZE_SLACK = 0.015
"""A file may be this much smaller than the target (relative)."""
PSNR_SLACK = 0.05
"""A picture may be this much better than the target, in dB."""
SSIMULACRA2_SLACK = 0.25
VISUALLY_LOSSLESS = 90.0
"""SSIMULACRA2 from which on nobody tells a picture from its source, flickering between the two, by its authors."""
_SIZE_SLOPE, _PSNR_SLOPE = 0.0292, 0.125  # of log(bytes) and of dB a step of the quality, a mean over Kodak: where
_BPP_AT_50, _PSNR_AT_50 = 0.47, 32.6  # the search begins; with other models it takes a trial more
_SSIMULACRA2_SLOPE, _SSIMULACRA2 = 0.6, ((10, 10), (37, 30), (58, 50), (73, 70), (82, 90), (85, 100))  # at a quality


class Unmet(NamedTuple):
    """A target that no quality meets: the nearest file, its value and the target, in words."""

    data: bytes
    nearest: str
    wanted: str

    def __str__(self) -> str:
        return f"the target of {self.wanted} cannot be met: {self.nearest}"


@dataclass(frozen=True)
class Target:
    """One of: `size`, bytes of the whole file at most; `bpp`, the same as bits per pixel; `psnr`, dB over all colour
    samples at least; `ssimulacra2` at least, 100 at most.

    Promise: a size is never exceeded, and met within 2 % unless quality 100 takes less or the file is so
    small (below some 2 kB) that one quality differs from the next by more; a PSNR is never missed, and
    exceeded by no more than 0.1 dB unless quality 1 gives more; SSIMULACRA2 likewise, by no more than half a point.
    Raises UsageError unless exactly one is given.
    """

    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None
    ssimulacra2: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in astuple(self) if value is not None]
        if len(given) != 1:
            raise UsageError("choose one of a target size, bits per pixel, PSNR and SSIMULACRA2")
        if not 0 < given[0] < math.inf:
            raise UsageError(f"a target of {given[0]} cannot be met: it must be above 0")
        if (self.ssimulacra2 or 0) > 100:
            raise UsageError(f"a target of {self.ssimulacra2} cannot be met: SSIMULACRA2 ends at 100")

    @property
    def fidelity(self) -> float | None:
        """The PSNR or SSIMULACRA2 that is asked for; None where it is a size."""
        return self.psnr if self.psnr is not None else self.ssimulacra2

    def bytes_at_most(self, pixels: int) -> int | None:
        """The size that is asked for, of a picture of so many pixels; None where it is a fidelity."""
        if self.fidelity is not None:
            return None
        return self.size if self.size is not None else int((self.bpp or 0) * pixels / 8)

    def search(self, measure: Measure, pixels: int) -> bytes | Unmet:
        """The file that meets the target, or the one that comes nearest."""
        if self.psnr is not None:
            start = 50 + (self.psnr - _PSNR_AT_50) / _PSNR_SLOPE
            return _Search(self.psnr, PSNR_SLACK, _PSNR_SLOPE, "dB").run(measure, start)
        if self.ssimulacra2 is not None:
            start = _between(self.ssimulacra2, _SSIMULACRA2)
            search = _Search(self.ssimulacra2, SSIMULACRA2_SLACK, _SSIMULACRA2_SLOPE, "of SSIMULACRA2")
            return search.run(measure, start)
        size = max(self.bytes_at_most(pixels) or 0, 1)
        start = 50 + math.log(8 * size / pixels / _BPP_AT_50) / _SIZE_SLOPE

        def logarithm(quality: float) -> tuple[float, bytes]:
            value, data = measure(quality)
            return math.log(value), data

        return _Search(math.log(size), SIZE_SLACK, _SIZE_SLOPE, None).run(logarithm, start)


class _Search:
    """Finds the quality whose measure is nearest to `goal` on the right side of it: at least, or, of logarithms of
    sizes, which have no `unit`, at most.

    Measures rise with the quality, nearly along a line.
    """

    def __init__(self, goal: float, slack: float, slope: float, unit: str | None) -> None:
        ceiling = unit is None
        self._goal, self._slack, self._slope, self._unit, self._ceiling = goal, slack, slope, unit, ceiling
        self._aim = goal + (-slack if ceiling else slack) / 2
        self._seen: dict[float, tuple[float, bytes]] = {}

    def run(self, measure: Measure, start: float) -> bytes | Unmet:
        quality = _on_grid(start)
        while quality not in self._seen and len(self._seen) < MOST_TRIALS:
            self._seen[quality] = measure(quality)
            if self._meets(quality) and abs(self._seen[quality][0] - self._goal) <= self._slack:
                break
            quality = self._next()
        good = [q for q in self._seen if self._meets(q)]
        if good:
            return self._seen[max(good) if self._ceiling else min(good)][1]
        end = 1.0 if self._ceiling else 100.0
        value, data = self._seen.get(end) or measure(end)
        if self._right(value):
            return data
        if self._ceiling:
            wanted = f"{math.exp(self._goal):.0f} bytes"
            return Unmet(data, f"the smallest file, of quality 1, has {math.exp(value):.0f}", wanted)
        wanted = f"{self._goal:.2f} {self._unit}"
        return Unmet(data, f"the best picture, of quality 100, has {value:.2f}", wanted)

    def _right(self, value: float) -> bool:
        return value <= self._goal if self._ceiling else value >= self._goal

    def _meets(self, quality: float) -> bool:
        return self._right(self._seen[quality][0])

    def _next(self) -> float:
        """Along the line through the two neighbours of the goal; along the usual slope where there is but one trial.

        A quality that was tried before ends the search."""
        below = [q for q in self._seen if self._seen[q][0] <= self._goal]
        above = [q for q in self._seen if self._seen[q][0] > self._goal]
        if not (below and above):
            side = sorted(self._seen, key=lambda q: abs(self._seen[q][0] - self._goal))
            slope = self._slope
            if len(side) > 1:
                slope = (self._seen[side[0]][0] - self._seen[side[1]][0]) / (side[0] - side[1])
            slope = min(max(slope, self._slope / 8), 8 * self._slope)
            return _on_grid(side[0] + (self._aim - self._seen[side[0]][0]) / slope)
        low, high = max(below), min(above)
        rise = self._seen[high][0] - self._seen[low][0]
        share = (self._aim - self._seen[low][0]) / rise if rise > 0 else 0.5
        quality = _on_grid(low + min(max(share, 0.05), 0.95) * (high - low))
        if quality in self._seen:  # too flat or too steep: halve what is left, to the last step
            quality = _on_grid((low + high) / 2)
        return quality


def _on_grid(quality: float) -> float:
    return min(max(round(quality / STEP) * STEP, 1.0), 100.0)


def _between(value: float, points: tuple[tuple[float, float], ...]) -> float:
    """On the line through points of ascending places; beyond them, that of the last one."""
    for (low, first), (high, last) in pairwise(points):
        if value <= high:
            return max(first, first + (last - first) * (value - low) / (high - low)) if value > low else first
    return points[-1][1]
