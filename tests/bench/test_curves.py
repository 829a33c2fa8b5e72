"""BD-rate on known values, averages, confidence."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.bench.curves import Curves, distance, interval

pytest.importorskip("bjontegaard")

# The example that comes with the common implementations: HEVC test sequences, kbit/s and dB.
ANCHOR = ([686.76, 309.58, 157.11, 85.95], [40.28, 37.18, 34.24, 31.42])
TEST = ([893.34, 407.8, 204.93, 112.75], [40.39, 37.21, 34.17, 31.24])


def curve(points: tuple[list[float], list[float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(points[0]), np.array(points[1])


def test_known_values() -> None:
    found = distance(curve(ANCHOR), curve(TEST))
    assert found is not None
    assert found.rate == pytest.approx(31.380, abs=0.01)


@pytest.mark.parametrize("shift", [-1.5, 0.0, 2.0])
def test_a_curve_with_all_qualities_changed_is_that_far_away(shift: float) -> None:
    rate, quality = curve(ANCHOR)
    found = distance((rate, quality), (rate, quality + shift))
    assert found is not None and found.quality == pytest.approx(shift, abs=1e-6)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.7])
def test_a_curve_with_all_rates_changed_is_that_far_away(factor: float) -> None:
    rate, quality = curve(ANCHOR)
    found = distance((rate, quality), (rate * factor, quality))
    assert found is not None and found.share == 1
    assert found.rate == pytest.approx(100 * (factor - 1), abs=1e-6)


def test_what_cannot_be_compared() -> None:
    rate, quality = curve(ANCHOR)
    assert distance((rate, quality), (rate, quality + 20)) is None  # nothing in common
    assert distance((rate, quality), (rate[:3], quality[:3])) is None  # too few points


def test_points_that_do_not_rise_are_left_out() -> None:
    rate, quality = curve(ANCHOR)
    worse = np.append(rate, 200.0), np.append(quality, 33.0)  # dearer and worse than another
    found = distance((rate, quality), worse)
    assert found is not None and found.rate == pytest.approx(0, abs=1e-9)


def some_curves(rng: np.random.Generator, factor: float, pictures: int = 6) -> Curves:
    """Six settings on each picture; per picture, rates are multiplied by about `factor`."""
    bpp = np.outer([0.1, 0.2, 0.4, 0.8, 1.2, 2.0], rng.uniform(0.5, 2, pictures))
    psnr = 30 + 6 * np.log2(bpp / bpp[2]) * 0.7 + 0 * bpp
    return Curves(tuple(range(6)), bpp * rng.normal(factor, 0.03, pictures), psnr, None)


def test_confidence_holds_the_truth() -> None:
    anchor, test = (some_curves(np.random.default_rng(5), factor) for factor in (1.0, 0.8))
    found = interval(anchor, test, "psnr", draws=60)
    assert found is not None and found[0] < -20 < found[1] and found[1] - found[0] < 15
    assert interval(anchor, test, "psnr", draws=60) == found  # the same draws each time
    one = Curves(anchor.settings, anchor.bpp[:, :1], anchor.psnr[:, :1], None)
    assert interval(one, one, "psnr") is None


def test_similarity_is_averaged_before_it_becomes_decibels() -> None:
    curves = Curves((1,), np.array([[1.0, 3.0]]), np.array([[30.0, 34.0]]), np.array([[0.9, 0.999]]))
    rate, quality = curves.average("ms_ssim") or pytest.fail("there is MS-SSIM")
    assert (rate, quality) == (pytest.approx([2.0]), pytest.approx([-10 * np.log10(1 - 0.9495)]))
    assert curves.average("psnr", np.array([1, 1]))[1] == pytest.approx([34.0])  # type: ignore[index]
