"""Tables and levels for trellis-coded quantisation, fitted once when a model is exported.

Two quantisers share the levels n * STEP: quantiser 0 has the even ones, quantiser 1 the odd ones and 0. A convolutional
code says which one codes a latent; the encoder looks for the best path (Marcellin and Fischer, "Trellis coded
quantization of memoryless and Gauss-Markov sources", 1990; with entropy coding and a 0 in both quantisers as in VVC's
dependent quantisation, Schwarz et al., DCC 2019). Which symbols it then takes, and for what values, has no formula, as
the latents of a trained network have none within a rounding step: both are counted in pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import (
    LOGISTIC_SCALES,
    MAX_WIDTH,
    EntropyTables,
    Floats,
    Row,
    assemble,
    best_row,
    logistic_survival,
    logistic_tables,
)

STEP = 0.7
"""Distance of neighbouring levels of both quantisers together, where plain rounding has 1: measured on lite."""
_ROUNDS = 3
_TRUST = 300.0  # symbols that the formula counts for
_COUNTED = 200  # magnitudes; beyond, the formula is good enough
_ROWS = len(LOGISTIC_SCALES)

Steps: TypeAlias = Sequence[tuple[np.ndarray, np.ndarray]]
"""Residuals (float32) and rows (uint16) of coding steps."""


def logistic_trellis_tables(collect: Callable[[EntropyTables], Iterable[Steps]], strength: float) -> EntropyTables:
    """The family of `logistic_tables` with the rows and levels of a trellis.

    `collect` gives the steps of pictures as an encoder with some tables meets them; strength is that encoder's.
    """
    plain = logistic_tables()
    guess = _Fit.by_formula()
    steps = list(chain.from_iterable(collect(plain)))
    fit = guess
    for _ in range(_ROUNDS):
        fit = guess.corrected(_Counts.of(fit.tables(plain), steps, strength))
    steps = list(chain.from_iterable(collect(fit.tables(plain))))  # the trellis' values are their context now
    return guess.corrected(_Counts.of(fit.tables(plain), steps, strength)).tables(plain)


@dataclass(frozen=True)
class _Counts:
    """Of magnitudes 0 .. _COUNTED (and more), of both signs, in either quantiser's rows; and sums of what they were
    chosen for. Both (2 R, _COUNTED + 1)."""

    counts: Floats
    sums: Floats

    @classmethod
    def of(cls, tables: EntropyTables, steps: Steps, strength: float) -> _Counts:
        """As an encoder with these tables comes to choose symbols."""
        coder = EntropyCoder.of(tables)
        counts, sums = np.zeros((2, 2 * _ROWS, _COUNTED + 1))
        for residual, rows in steps:
            coded = coder.quantise(residual, rows, strength)
            magnitudes = np.minimum(np.abs(coded.symbols), _COUNTED)
            places = ((coded.rows.astype(np.int64) - _ROWS) * (_COUNTED + 1) + magnitudes).ravel()
            counts += np.bincount(places, minlength=counts.size).reshape(counts.shape)
            sums += np.bincount(places, (residual * np.sign(coded.symbols)).ravel(), counts.size).reshape(sums.shape)
        return cls(counts, sums)


@dataclass(frozen=True)
class _Fit:
    """Probabilities, table rows and levels of either quantiser's rows, 2 R of each; levels (2 R, 4)."""

    masses: list[Floats]
    rows: list[Row]
    levels: Floats

    @classmethod
    def by_formula(cls) -> _Fit:
        """If latents were logistic and each quantiser rounded by itself."""
        pairs = [(q, float(scale)) for q in (0, 1) for scale in LOGISTIC_SCALES]
        masses = [_masses(*pair) for pair in pairs]
        rows = [_row(m, scale) for m, (_, scale) in zip(masses, pairs, strict=True)]
        nominal = STEP * np.array([[2.0, 4.0, 6.0, 2.0], [1.0, 3.0, 5.0, 2.0]])
        return cls(masses, rows, np.repeat(nominal, _ROWS, axis=0))

    def corrected(self, seen: _Counts) -> _Fit:
        """By what was counted, where anything was."""
        masses, rows, levels = list(self.masses), list(self.rows), self.levels.copy()
        for place in np.flatnonzero(seen.counts.sum(1)):
            masses[place] = _blend(masses[place], seen.counts[place])
            rows[place] = _row(masses[place], float(LOGISTIC_SCALES[place % _ROWS]))
        levels[:, :3] = (seen.sums[:, 1:4] + _TRUST * levels[:, :3]) / (seen.counts[:, 1:4] + _TRUST)
        return _Fit(masses, rows, levels)

    def tables(self, plain: EntropyTables) -> EntropyTables:
        """Behind the rows of plain rounding."""
        return assemble(
            [*map(plain.row, range(_ROWS)), *self.rows],
            plain.thresholds,
            self.levels.astype(np.float32).reshape(2, _ROWS, 4),
        )


def _row(masses: Floats, scale: float) -> Row:
    return best_row(masses, scale / (2 * STEP), MAX_WIDTH)


def _masses(quantiser: int, scale: float) -> Floats:
    """Probabilities of magnitudes 0, 1, ... if each quantiser rounded by itself; 24 scales wide as `half_masses`."""
    k = np.arange(3 + int(24 * scale / (2 * STEP)), dtype=np.float64)
    edges = STEP * (2 * k + 1) if quantiser == 0 else STEP * np.where(k == 0, 0.5, 2 * k)
    above = logistic_survival(edges, scale)
    return np.concatenate(([1.0 - 2.0 * above[0]], above[:-1] - above[1:]))


def _blend(formula: Floats, counts: Floats) -> Floats:
    """Probabilities of magnitudes as counted (of both signs), where the formula counts for some symbols too."""
    masses = formula.copy()
    seen = min(len(formula), _COUNTED)  # the last count stands for all further ones
    sides = np.where(np.arange(seen) == 0, 1.0, 0.5)
    masses[:seen] = (counts[:seen] * sides + _TRUST * formula[:seen]) / (counts.sum() + _TRUST)
    return masses / (masses[0] + 2.0 * masses[1:].sum())
