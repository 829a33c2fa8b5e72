"""Integer tables: the distributions behind them, the coder's rules, and what they cost against ideal likelihoods."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.entropy import tables
from hpcmcodec.entropy.coder import EntropyCoder

FAMILIES = {
    "logistic": (tables.logistic_survival, 0.04, 256.0, math.log),
    "generalised_gaussian": (tables.generalised_gaussian_survival, 0.12, 96.0, float),
}


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> tuple[str, tables.EntropyTables]:
    return request.param, tables.DISTRIBUTIONS[request.param]()


def row_for(family: tables.EntropyTables, predicted: float) -> int:
    return int((family.thresholds < np.float32(predicted)).sum())


# Q(a, x) to 20 digits from closed forms: Q(1/2, x) = erfc(sqrt x), Q(1, x) = exp(-x), Q(2, x) = (1 + x) exp(-x).
@pytest.mark.parametrize("x", [1e-8, 0.1, 1.0, 1.49, 1.51, 1.99, 2.01, 3.0, 10.0, 50.0, 400.0, 800.0])
def test_upper_gamma_against_closed_forms(x: float) -> None:
    point = np.array([x])
    assert tables.upper_gamma(0.5, point)[0] == pytest.approx(math.erfc(math.sqrt(x)), rel=2e-13)
    assert tables.upper_gamma(1.0, point)[0] == pytest.approx(math.exp(-x), rel=2e-13)
    assert tables.upper_gamma(2.0, point)[0] == pytest.approx((1 + x) * math.exp(-x), rel=2e-13)


def test_generalised_gaussian_against_official_likelihoods() -> None:
    """Reference: likelihoods of the official network's module in float64 (floor 1e-9), tests/data/README.md."""
    golden = np.load(Path(__file__).parents[1] / "data/hpcm/ops.npz")
    k, scales = golden["ggm.k"].astype(int), golden["ggm.scale"]
    for column, scale in enumerate(scales):
        masses = tables.half_masses(tables.generalised_gaussian_survival, max(0.12, float(scale)))
        expected = [max(1e-9, float(masses[abs(i)]) if abs(i) < len(masses) else 0.0) for i in k]
        assert golden["ggm.likelihood"].reshape(len(k), -1)[:, column] == pytest.approx(expected, rel=1e-5, abs=1e-10)


def test_generalised_gaussian_near_official_tables() -> None:
    golden = np.load(Path(__file__).parents[1] / "data/hpcm/cdf.npz")
    for row in (0, 10, 30, 45):
        length, offset = int(golden["cdf_length_y"][row]), int(golden["offset_y"][row])
        frequencies = np.diff(golden["cdf_y"][row, :length])[:-1]  # without the escape
        masses = tables.half_masses(tables.generalised_gaussian_survival, float(golden["scale_table"][row]))
        ours = [masses[abs(offset + i)] for i in range(len(frequencies))]
        assert frequencies / 65536 == pytest.approx(ours, abs=1e-4, rel=1e-2)


def test_logistic_is_stable_and_sums_to_one() -> None:
    for scale in (0.04, 0.3, 7.0, 256.0):
        masses = tables.half_masses(tables.logistic_survival, scale)
        assert masses.min() >= 0
        assert masses[0] == pytest.approx(math.tanh(0.25 / scale), rel=1e-12)
        assert masses[0] + 2 * masses[1:].sum() == pytest.approx(1.0, abs=2e-9)


def test_rows_obey_the_coder(family: tuple[str, tables.EntropyTables]) -> None:
    built = family[1]
    EntropyCoder(built.cdf, built.starts, built.lengths, built.offsets)
    assert built.cdf.nbytes < 400_000
    assert len(built.thresholds) == len(built.starts) - 1 <= 255
    assert built.thresholds.dtype == np.float32
    assert (np.diff(built.thresholds) > 0).all()
    for row in range(len(built.starts)):
        frequencies = built.frequencies(row)
        assert frequencies.min() >= 1
        assert frequencies.sum() == 65536
        assert np.array_equal(frequencies[:-1], frequencies[:-1][::-1])
        assert len(frequencies) - 1 == 1 - 2 * built.offsets[row]


def test_building_is_deterministic() -> None:
    scales = tables.scale_grid(0.1, 0.5, 8.0, 6, 6)
    first, second = (
        tables.build_tables(tables.logistic_survival, scales, log_domain=True, max_width=40) for _ in range(2)
    )
    for name in ("cdf", "starts", "lengths", "offsets", "thresholds"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_thresholds_lie_between_their_scales(family: tuple[str, tables.EntropyTables]) -> None:
    name, built = family
    _, low, high, domain = FAMILIES[name]
    assert row_for(built, domain(low)) == 0
    assert row_for(built, domain(high)) == len(built.starts) - 1
    assert row_for(built, -math.inf) == 0
    assert row_for(built, math.inf) == len(built.starts) - 1
    if name == "generalised_gaussian":
        assert row_for(built, -3.0) == row_for(built, 0.0) == row_for(built, 0.12) == 0


def measured_loss(name: str, built: tables.EntropyTables, usage: float) -> float:
    """Bits above the ideal, as a share, when scales occur with density scale^-usage per logarithmic interval."""
    survival, low, high, domain = FAMILIES[name]
    ideal = spent = 0.0
    for scale in np.geomspace(low * 1.003, high * 0.997, 151):
        masses = tables.half_masses(survival, float(scale))
        row = row_for(built, domain(float(scale)))
        frequencies, width = built.frequencies(row), -int(built.offsets[row])
        weight = float(scale) ** -usage
        ideal += weight * tables.ideal_bits(masses)
        spent += weight * tables.expected_bits(tables.Row(frequencies[width:-1], int(frequencies[-1])), masses)
    return spent / ideal - 1


@pytest.mark.parametrize("usage", [0.0, 0.5, 1.0])
def test_loss_is_below_a_thousandth(family: tuple[str, tables.EntropyTables], usage: float) -> None:
    assert 0 < measured_loss(*family, usage) < 0.0006


def test_too_many_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="frequency slots"):
        tables.integer_row(np.full(40_000, 1 / 80_000), 0.0)
