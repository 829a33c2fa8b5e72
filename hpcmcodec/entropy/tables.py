"""Integer frequency tables for the entropy coder, built once when a model is exported.

A decoder never runs this code: the tables are data in the model file. Two families, both zero-mean and symmetric:
the logistic (our models) and the generalised Gaussian with shape 1.5 (HPCM, arXiv 2507.19125, section 3).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DISTORTION_WEIGHT = 8.67
"""Bits that a squared error of one rounding step counts for in the choice of symbols, measured on lite: lambda 255^2 /
3 step^2 with the step 5.1 / (255 sqrt(lambda))."""

TOTAL = 1 << 16
"""Frequencies of a row add up to this."""
MAX_WIDTH = 1500
"""Largest magnitude with a symbol of its own."""

Floats = NDArray[np.float64]
Survival = Callable[[Floats, float], Floats]
"""(x, scale) -> P(X > x) for x >= 0, small values with full relative accuracy."""


@dataclass(frozen=True)
class EntropyTables:
    """A family of distributions as the coder wants it.

    Row r is `cdf[starts[r] : starts[r] + lengths[r]]`: 0, strictly rising, 65536. Its last symbol is the escape; symbol
    i before that stands for the integer `offsets[r] + i`. The row for a predicted scale is the number of `thresholds`
    strictly below it (float32 comparison), in whatever domain the network predicts: log-scale or scale.

    With `levels` (2, R, 4) there are 3 R rows: of plain rounding, and of the two quantisers of a trellis, whose symbols
    1, 2, 3 stand for the first three levels, further ones for values as far apart as the fourth says.
    """

    cdf: NDArray[np.int32]
    starts: NDArray[np.int32]
    lengths: NDArray[np.int32]
    offsets: NDArray[np.int32]
    thresholds: NDArray[np.float32]
    levels: NDArray[np.float32] | None = None

    def frequencies(self, row: int) -> NDArray[np.int64]:
        """Frequencies of one row, escape last."""
        start = int(self.starts[row])
        return np.diff(self.cdf[start : start + int(self.lengths[row])]).astype(np.int64)

    def row(self, row: int) -> Row:
        """One symmetric row."""
        frequencies = self.frequencies(row)
        return Row(frequencies[-int(self.offsets[row]) : -1], int(frequencies[-1]))

    def stored(self) -> dict[str, Any]:
        """The arguments of `model_file.write`; latents and hyper-latents choose rows alike."""
        tables = {name: getattr(self, name) for name in ("cdf", "starts", "lengths", "offsets", "levels")}
        return {**tables, "y_thresholds": self.thresholds, "z_thresholds": self.thresholds}


# ------------------------------------------------------------------------------------------------ distributions


def logistic_survival(x: Floats, scale: float) -> Floats:
    """P(X > x) of the logistic distribution with CDF 1 / (1 + exp(-x / scale)), x >= 0."""
    e = np.exp(-x / scale)
    return e / (1.0 + e)


def upper_gamma(a: float, x: Floats) -> Floats:
    """Regularised upper incomplete gamma function Q(a, x) for a > 0, x >= 0, float64.

    Power series for small x, else a continued fraction (Abramowitz and Stegun 6.5.29 and 6.5.31, Lentz's evaluation).
    """
    x = np.asarray(x, np.float64)
    border = a + 4.0  # the fraction converges fast from here on, and 1 - P has lost only two digits
    result = np.zeros_like(x)  # stays 0 where even exp(-x) does
    small, large = x < border, (x >= border) & (x < 745.0)
    result[small] = 1.0 - _gamma_front(a, x[small]) * _gamma_series(a, x[small])
    result[large] = _gamma_front(a, x[large]) * _gamma_fraction(a, x[large])
    return result


def _gamma_front(a: float, x: Floats) -> Floats:
    return x**a * np.exp(-x - math.lgamma(a))


def _gamma_series(a: float, x: Floats) -> Floats:
    term = np.full_like(x, 1.0 / a)
    total = term.copy()
    n = 0
    while np.any(term > 1e-17 * total):
        n += 1
        term = term * x / (a + n)
        total += term
    return total


def _gamma_fraction(a: float, x: Floats) -> Floats:
    b = x + 1.0 - a
    c = np.full_like(x, 1e300)
    d = 1.0 / b
    h, change = d.copy(), np.full_like(x, 2.0)
    n = 0
    while np.any(np.abs(change - 1.0) > 1e-15) and n < 500:
        n += 1
        b = b + 2.0
        d = 1.0 / (-n * (n - a) * d + b)
        c = b - n * (n - a) / c
        change = c * d
        h = h * change
    return h


def generalised_gaussian_survival(x: Floats, scale: float, beta: float = 1.5) -> Floats:
    """P(X > x) of the density proportional to exp(-|x / scale|^beta), x >= 0."""
    return 0.5 * upper_gamma(1.0 / beta, (x / scale) ** beta)


def half_masses(survival: Survival, scale: float) -> Floats:
    """P(round(X) = k) for k = 0, 1, ... as far as 24 scales: less than 1e-9 is left. P is the same for -k."""
    edges = survival(np.arange(3 + int(24 * scale), dtype=np.float64) + 0.5, scale)
    return np.concatenate(([1.0 - 2.0 * edges[0]], edges[:-1] - edges[1:]))


# ------------------------------------------------------------------------------------------------ one row


@dataclass(frozen=True)
class Row:
    """A symmetric integer row: frequencies of 0..width (negative values mirror them) and of the escape."""

    half: NDArray[np.int64]
    escape: int

    @property
    def width(self) -> int:
        """Largest magnitude that has a symbol of its own."""
        return len(self.half) - 1

    def frequencies(self) -> NDArray[np.int64]:
        """In the order of the table: -width..width, escape."""
        return np.concatenate((self.half[:0:-1], self.half, [self.escape]))

    def costs(self, largest: int) -> Floats:
        """Bits for a value of magnitude 0..largest, escapes with side and Elias gamma code included."""
        plain = 16.0 - np.log2(self.half[: largest + 1])
        distance = np.arange(1, largest - self.width + 1)
        beyond = 16.0 - math.log2(self.escape) + 2.0 + 2.0 * np.floor(np.log2(distance))
        return np.concatenate((plain, beyond))


def integer_row(masses: Floats, tail: float) -> Row:
    """Integer frequencies, all at least 1, with nearly the least expected cost for the given probabilities."""
    width = len(masses) - 1
    if 2 * width + 2 > TOTAL:
        raise ValueError(f"a row with width {width} has more symbols than frequency slots")
    weight = np.full(width + 1, 2.0)
    weight[0] = 1.0
    low, high = 0.0, float(TOTAL)  # the frequencies' sum for a given factor is monotone: raised ones make room here
    for _ in range(60):
        factor = 0.5 * (low + high)
        used = float(weight @ np.maximum(masses * factor, 1.0)) + max(tail * factor, 1.0)
        low, high = (factor, high) if used < TOTAL else (low, factor)
    half = np.maximum(np.rint(masses * low), 1.0).astype(np.int64)
    escape = max(1, round(tail * low))
    _settle(half, masses, TOTAL - escape - int(weight @ half))
    return Row(half, escape)


def _settle(half: NDArray[np.int64], masses: Floats, excess: int) -> None:
    """Give away `excess` slots (take if negative), pair by pair where it helps most, an odd one at 0. In place."""
    step = 1 if excess > 0 else -1

    def penalty(k: int) -> float:
        after = half[k] + step
        return math.inf if after < 1 else float(masses[k] * math.log(half[k] / after))

    heap = [(penalty(k), k) for k in range(1, len(half))]
    heapq.heapify(heap)
    for _ in range(abs(excess) // 2 if heap else 0):
        _, k = heap[0]
        half[k] += step
        excess -= 2 * step
        heapq.heapreplace(heap, (penalty(k), k))
    half[0] += excess


def expected_bits(row: Row, masses: Floats) -> float:
    """Mean cost of a value whose magnitudes 0, 1, ... have the given probabilities (of one sign)."""
    costs = row.costs(len(masses) - 1)
    return float(masses[0] * costs[0] + 2.0 * (masses[1:] @ costs[1:]))


def ideal_bits(masses: Floats) -> float:
    """Entropy in bits of the same distribution."""
    p = masses[masses > 0]
    return float(-(p[0] * math.log2(p[0])) - 2.0 * (p[1:] @ np.log2(p[1:])))


def best_row(masses: Floats, scale: float, max_width: int) -> Row:
    """Row for the probabilities of magnitudes 0, 1, ... that have about this scale. The width, up to max_width, is the
    one with the least expected cost."""
    widths = {1, 2, 3, *(math.ceil(scale * m) for m in np.geomspace(2.0, 16.0, 22))}
    rows = [
        integer_row(masses[: w + 1], 2.0 * float(masses[w + 1 :].sum()))
        for w in sorted(widths)
        if w <= min(max_width, len(masses) - 1)
    ]
    return min(rows, key=lambda row: expected_bits(row, masses))


# ------------------------------------------------------------------------------------------------ families


def _crossing(survival: Survival, scales: tuple[float, float], rows: tuple[Row, Row]) -> float:
    """Scale between two neighbours at which both rows cost the same; the geometric mean if they do not differ."""
    low, high = math.log(scales[0]), math.log(scales[1])
    if rows[0].escape == rows[1].escape and np.array_equal(rows[0].half, rows[1].half):
        return math.exp(0.5 * (low + high))
    for _ in range(8):  # to a few ten-thousandths of a scale
        middle = 0.5 * (low + high)
        masses = half_masses(survival, math.exp(middle))
        if expected_bits(rows[0], masses) <= expected_bits(rows[1], masses):
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


def build_tables(survival: Survival, scales: Floats, *, log_domain: bool, max_width: int) -> EntropyTables:
    """Tables for a rising list of scales (2 to 256 of them).

    With `log_domain` the thresholds are compared with log-scales, otherwise with scales.
    """
    rows = [best_row(half_masses(survival, float(s)), float(s), max_width) for s in scales]
    borders = [
        _crossing(survival, (float(scales[i]), float(scales[i + 1])), (rows[i], rows[i + 1]))
        for i in range(len(rows) - 1)
    ]
    return assemble(rows, np.array([math.log(b) if log_domain else b for b in borders], np.float32))


def assemble(
    rows: Sequence[Row], thresholds: NDArray[np.float32], levels: NDArray[np.float32] | None = None
) -> EntropyTables:
    """The tables of these rows."""
    pieces = [np.concatenate(([0], np.cumsum(row.frequencies()))) for row in rows]
    lengths = np.array([len(p) for p in pieces], np.int32)
    return EntropyTables(
        cdf=np.concatenate(pieces).astype(np.int32),
        starts=(np.cumsum(lengths) - lengths).astype(np.int32),
        lengths=lengths,
        offsets=np.array([-row.width for row in rows], np.int32),
        thresholds=thresholds,
        levels=levels,
    )


def scale_grid(low: float, knee: float, high: float, below: int, above: int) -> Floats:
    """Scales in two geometric runs: dense up to the knee, where a wrong scale costs a larger share of few bits."""
    return np.concatenate((np.geomspace(low, knee, below, endpoint=False), np.geomspace(knee, high, above)))


LOGISTIC_SCALES = scale_grid(0.04, 0.5, 256.0, 48, 48)


def logistic_tables() -> EntropyTables:
    """The family of our own models: logistic, scales 0.04 to 256, thresholds for log-scales."""
    return build_tables(logistic_survival, LOGISTIC_SCALES, log_domain=True, max_width=MAX_WIDTH)


def generalised_gaussian_tables() -> EntropyTables:
    """The family of HPCM's models: generalised Gaussian of shape 1.5, scales 0.12 to 96, thresholds for scales.

    Scales at or below 0.12, negative ones included, take row 0: the models were trained with that floor.
    """
    grid = scale_grid(0.12, 0.5, 96.0, 40, 56)
    return build_tables(generalised_gaussian_survival, grid, log_domain=False, max_width=MAX_WIDTH)


DISTRIBUTIONS: dict[str, Callable[[], EntropyTables]] = {
    "generalised_gaussian": generalised_gaussian_tables,
    "logistic": logistic_tables,
}
"""Families by the name that a model's config gives."""
