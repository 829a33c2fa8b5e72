"""Trellis-coded quantisation: what is quantised comes back, no path is better, and bad input is refused."""

from __future__ import annotations

from contextlib import suppress
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmcodec import kernels
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import LOGISTIC_SCALES
from hpcmcodec.entropy.trellis import logistic_trellis_tables
from hpcmcodec.errors import CorruptError, TruncatedError
from tests.levels import every_way

WEIGHT = 8.67


def made_up(rows: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Tables and levels of 3 * rows rows with symbols -4 .. 4."""
    rng = np.random.default_rng(seed)
    pieces = [np.r_[0, np.sort(rng.choice(65535, 9, replace=False)) + 1, 65536] for _ in range(3 * rows)]
    lengths = np.full(3 * rows, 11)
    nominal = np.array([[[1.4, 2.8, 4.2, 1.4]], [[0.7, 2.1, 3.5, 1.4]]])
    levels = nominal + rng.uniform(-0.1, 0.1, (2, rows, 4))
    return np.concatenate(pieces), np.arange(3 * rows) * 11, lengths, np.full(3 * rows, -4), levels.astype(np.float32)


def coder(rows: int, seed: int = 0) -> EntropyCoder:
    return EntropyCoder(*made_up(rows, seed))


def latents(rng: np.random.Generator, count: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    scale = 10.0 ** rng.uniform(-2, 1.5, count)
    return (rng.normal(size=count) * scale).astype(np.float32), rng.integers(0, rows, count).astype(np.uint16)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.one_of(st.integers(0, 40), st.integers(4000, 4200)), min_size=1, max_size=4),
    strength=st.sampled_from([0.0, 0.8, 5.0]),
)
def test_what_is_quantised_comes_back(seed: int, counts: list[int], strength: float) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 5))
    model = coder(rows, seed % 7)
    steps = [latents(rng, count, rows) for count in counts]
    quantised = [model.quantise(*step, strength) for step in steps]
    encoder = model.encoder()
    for one in quantised:
        encoder.add(one.symbols, one.rows)
    decoder = model.decoder(encoder.finish())
    for (_, step_rows), one in zip(steps, quantised, strict=True):
        assert np.array_equal(decoder.values(step_rows), one.values)
    decoder.finish()


def test_far_values_are_escaped() -> None:
    model = coder(1)
    residual = np.array([3e6, -3e6, 0, 16777215, -16777215, 5], np.float32)
    rows = np.zeros(6, np.uint16)
    quantised = model.quantise(residual, rows, 0.0)
    encoder = model.encoder()
    encoder.add(quantised.symbols, quantised.rows)
    decoder = model.decoder(encoder.finish())
    assert np.array_equal(decoder.values(rows), quantised.values)
    assert np.abs(quantised.values - residual).max() <= 2.0


def quantiser_path(parities: tuple[int, ...]) -> list[int]:
    """FORMAT.md section 7.4."""
    state, found = 0, []
    for parity in parities:
        found.append((state & 121).bit_count() % 2)
        state = (2 * state + (parity + (state & 166).bit_count()) % 2) % 256
    return found


def level(levels: np.ndarray, quantiser: int, row: int, magnitude: int) -> float:
    first = levels[quantiser, row]
    return [0.0, *first[:3]][magnitude] if magnitude <= 3 else first[2] + (magnitude - 3) * first[3]


@pytest.mark.parametrize("seed", range(6))
def test_no_path_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model, levels = coder(2, seed), made_up(2, seed)[-1]
    count, strength = 11, 0.8
    residual, rows = rng.normal(size=count).astype(np.float32) * 1.5, rng.integers(0, 2, count).astype(np.uint16)
    costs = np.full((count, 2, 2), np.inf)  # of the best symbol of either parity with either quantiser
    for i, q, k in product(range(count), (0, 1), range(-4, 5)):
        if k * residual[i] < 0:
            continue  # symbols of the other side are not looked at
        value = np.sign(k) * level(levels, q, int(rows[i]), abs(k))
        table_row = np.array([(1 + q) * 2 + rows[i]], np.uint16)
        bits = float(model.bits(np.array([k], np.int32), table_row)[0])
        costs[i, q, k % 2] = min(costs[i, q, k % 2], WEIGHT * (value - residual[i]) ** 2 + strength * bits)
    least = min(
        sum(costs[i, q, p] for i, (q, p) in enumerate(zip(quantiser_path(path), path, strict=True)))
        for path in product((0, 1), repeat=count)
    )
    found = model.quantise(residual, rows, strength)
    error = float(np.square(found.values - residual, dtype=np.float64).sum())
    cost = WEIGHT * error + strength * float(model.bits(found.symbols, found.rows).sum())
    assert cost == pytest.approx(least, rel=1e-4)
    assert ((found.rows.astype(int) - rows) // 2 - 1).tolist() == quantiser_path(tuple(found.symbols % 2))


def test_levels_of_instructions_and_shapes_make_no_difference() -> None:
    model, rng = coder(3), np.random.default_rng(4)
    residual, rows = latents(rng, 3000, 3)
    found = []
    for _ in every_way(kernels.get_threads()):
        found.append(model.quantise(residual.reshape(1, 10, 15, 20), rows.reshape(1, 10, 15, 20), 0.8))
    flat = model.quantise(residual, rows, 0.8)
    for one in found:
        assert one.symbols.shape == one.values.shape == one.rows.shape == (1, 10, 15, 20)
        assert np.array_equal(one.symbols.ravel(), flat.symbols)


def test_bad_streams_are_refused() -> None:
    model, rng = coder(2), np.random.default_rng(1)
    residual, rows = latents(rng, 6000, 2)
    quantised = model.quantise(residual, rows, 0.5)
    encoder = model.encoder()
    encoder.add(quantised.symbols, quantised.rows)
    data = encoder.finish()
    with pytest.raises(TruncatedError):
        model.decoder(data[:-9]).values(rows)
    for position in range(0, len(data), 97):
        decoder = model.decoder(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
        with suppress(CorruptError, TruncatedError):  # nothing worse
            decoder.values(rows)
            decoder.finish()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**24, -(2.0**25)])
def test_bad_residuals_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="residual"):
        coder(1).quantise(np.array([0, bad], np.float32), np.zeros(2, np.uint16), 0.8)


@pytest.mark.parametrize(
    ("place", "value"),
    [((0, 0, 0), 0.0), ((1, 1, 1), 0.1), ((0, 1, 2), np.nan), ((1, 0, 3), -1.0), ((1, 0, 3), np.inf), ((0, 0, 2), 1e9)],
)
def test_bad_levels_are_refused(place: tuple[int, int, int], value: float) -> None:
    *tables, levels = made_up(2)
    levels[place] = value
    with pytest.raises(ValueError, match="levels"):
        EntropyCoder(*tables, levels).quantise(np.zeros(3, np.float32), np.zeros(3, np.uint16), 0.8)


def test_rows_and_tables_must_fit() -> None:
    *tables, levels = made_up(2)
    with pytest.raises(ValueError, match="three times"):
        EntropyCoder(*tables, levels[:, :1]).quantise(np.zeros(3, np.float32), np.zeros(3, np.uint16), 0.8)
    with pytest.raises(ValueError, match="index 2 of 2"):
        EntropyCoder(*tables, levels).quantise(np.zeros(3, np.float32), np.full(3, 2, np.uint16), 0.8)
    with pytest.raises(ValueError, match="index 2 of 2"):
        EntropyCoder(*tables, levels).decoder(b"").values(np.full(3, 2, np.uint16))


def test_fitted_tables_beat_rounding() -> None:
    """At the same squared error, on latents that are what the scales say; most in a few scales, which is quicker."""
    rng = np.random.default_rng(0)
    rows = rng.integers(40, 60, 40_000).astype(np.uint16)
    residual = (rng.logistic(size=len(rows)) * LOGISTIC_SCALES[rows]).astype(np.float32)
    used = []

    def collect(tables: object) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        used.append(tables)
        return [[(residual, rows)]]

    fitted = logistic_trellis_tables(collect, 0.8)
    assert len(used) == 2 and used[0].levels is None and used[1].levels is not None
    names = ("cdf", "starts", "lengths", "offsets", "levels")
    trellis, plain = (EntropyCoder(*(getattr(t, n) for n in names)) for t in (fitted, used[0]))
    results = []
    for model, strength in ((plain, 0.7), (trellis, 0.8)):
        one = model.quantise(residual, rows, strength)
        results.append((float(model.bits(one.symbols, one.rows).sum()), float(np.square(one.values - residual).sum())))
    (plain_bits, plain_error), (bits, error) = results
    at_same_error = bits - len(rows) * 0.5 * np.log2(plain_error / error)  # 6.02 dB a bit is more than it is down here
    assert at_same_error < 0.97 * plain_bits
