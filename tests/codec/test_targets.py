"""Targets: the search on functions made up for it, and pictures coded to a size and to a PSNR."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder, inspect
from hpcmcodec.codec.reach import fidelity
from hpcmcodec.codec.target import MOST_TRIALS, Target, Unmet
from hpcmcodec.codec.trials import Trials
from hpcmcodec.formats.pictures import Picture

from .conftest import picture

PIXELS = 768 * 512


class Curve:
    """A measure that counts its trials; the file is the quality in words."""

    def __init__(self, value) -> None:  # type: ignore[no-untyped-def]
        self.value, self.tried = value, []

    def __call__(self, quality: float) -> tuple[float, bytes]:
        self.tried.append(quality)
        return self.value(quality), str(quality).encode()


@pytest.mark.parametrize("slope", [0.01, 0.0243, 0.05])
@pytest.mark.parametrize("wanted", [3.3, 40, 88.8])
def test_sizes_are_met_from_below_in_few_trials(wanted: float, slope: float) -> None:
    curve = Curve(lambda q: 15_000 * math.exp(slope * (q - 40) + 0.0001 * (q - 40) ** 2))
    size = round(curve.value(wanted))
    found = curve.value(float(Target(size=size).search(curve, PIXELS)))
    assert 0.98 * size <= found <= size
    assert len(curve.tried) <= 7
    assert len(set(curve.tried)) == len(curve.tried)


@pytest.mark.parametrize("goal", [29.0, 33.3, 38.0])
def test_psnr_is_met_from_above(goal: float) -> None:
    curve = Curve(lambda q: 26 + 0.13 * q + 0.3 * math.sin(q))
    found = curve.value(float(Target(psnr=goal).search(curve, PIXELS)))
    assert goal <= found <= goal + 0.1
    assert len(curve.tried) <= MOST_TRIALS


@pytest.mark.parametrize("goal", [5.0, 50.0, 71.3, 80.0])
def test_ssimulacra2_is_met_from_above(goal: float) -> None:
    curve = Curve(lambda q: 86 * (1 - (1 - q / 100) ** 2.2) - 5 + 0.1 * math.sin(q))
    found = curve.value(float(Target(ssimulacra2=goal).search(curve, PIXELS)))  # type: ignore[arg-type]
    assert goal <= found <= goal + 0.5
    assert len(curve.tried) <= 10


def test_a_jump_gives_the_side_that_meets() -> None:
    curve = Curve(lambda q: 1000.0 if q < 30.3 else 9000.0)
    assert 29 <= float(Target(size=5000).search(curve, 10_000)) < 30.3
    assert len(curve.tried) <= MOST_TRIALS + 1


def test_out_of_range() -> None:
    curve = Curve(lambda q: 1000 + 100 * q)
    assert Target(size=10**6).search(curve, PIXELS) == b"100.0"
    missed = Target(size=900).search(curve, PIXELS)
    assert isinstance(missed, Unmet) and missed.data == b"1.0"
    assert str(missed) == "the target of 900 bytes cannot be met: the smallest file, of quality 1, has 1100"
    decibels = Curve(lambda q: 30 + q / 10)
    assert Target(psnr=20).search(decibels, PIXELS) == b"1.0"
    missed = Target(psnr=45).search(decibels, PIXELS)
    assert isinstance(missed, Unmet) and missed.data == b"100.0"
    assert str(missed) == "the target of 45.00 dB cannot be met: the best picture, of quality 100, has 40.00"
    points = Curve(lambda q: 85 * (1 - (1 - q / 100) ** 2))
    assert "of SSIMULACRA2" in str(Target(ssimulacra2=90).search(points, PIXELS)) and len(points.tried) <= 2


@pytest.mark.parametrize("values", [{}, {"size": 5, "bpp": 1.0}, {"psnr": -1}, {"size": 0}, {"bpp": math.nan}])
def test_targets_that_are_none(values: dict[str, float]) -> None:
    with pytest.raises(errors.UsageError):
        Target(ssimulacra2=100.5)
    with pytest.raises(errors.UsageError):
        Target(**values)  # type: ignore[arg-type]


def test_a_picture_meets_its_size() -> None:
    source = Picture(picture(150, 200))
    encoder = Encoder("tiny")
    low, high = (len(encoder.encode(source, quality)) for quality in (20, 80))
    size = round(math.sqrt(low * high))
    data = encoder.encode_to(source, Target(size=size), tile_size=64).data
    assert 0.98 * size <= len(data) <= size
    assert inspect.info(data).tiles == 12
    same = encoder.encode_to(source, Target(bpp=8 * (size + 0.5) / (150 * 200)), tile_size=64).data
    assert same == data


def test_psnr_is_the_decoded_pictures() -> None:
    source = Picture(picture(70, 90, 1))
    trials = Trials(Encoder("tiny"), source, tile_size=64)
    for quality in (60.0, 30.0):
        value, data = trials.psnr(quality)
        error = Decoder().decode(data).pixels.astype(float) - source.pixels
        assert value == pytest.approx(10 * math.log10(255**2 / np.square(error).mean()))
        assert trials.size(quality)[1] == data


def test_quality_without_a_change_of_gains_codes_as_encode_does() -> None:
    source, encoder = Picture(picture(64, 64)), Encoder("tiny")
    assert Trials(encoder, source, tile_size=None).size(100)[1] == encoder.encode(source, 100)


@pytest.mark.parametrize("alpha", [None, 200])
def test_ssimulacra2_is_the_decoded_pictures(alpha: int | None) -> None:
    pixels = picture(100, 120)
    pixels[:40, :50] = 90  # flat blocks
    source = Picture(pixels, None if alpha is None else np.full((100, 120), alpha, np.uint8))
    encoder, target = Encoder("tiny"), Target(ssimulacra2=50.0)
    value, data = Trials(encoder, source, tile_size=None).ssimulacra2(70.0)
    assert value == pytest.approx(fidelity(source, Decoder().decode(data).pixels, target), abs=1e-3)


@pytest.mark.parametrize(("depth", "scale"), [(8, 1), (10, 4), (16, 257)])
@pytest.mark.parametrize("target", [Target(psnr=46.0), Target(ssimulacra2=94.0), Target(psnr=120.0)])
def test_beyond_the_best_quality_files_are_nearly_exact(target: Target, depth: int, scale: int) -> None:
    pixels = picture(60, 70).astype(np.uint8 if depth == 8 else np.uint16) * scale
    source, encoder = Picture(pixels, depth=depth), Encoder("tiny")
    reached = encoder.encode_to(source, target)
    file = inspect.info(reached.data)
    assert reached.missed is None and file.most_error is not None
    assert fidelity(source, Decoder().decode(reached.data).pixels, target) >= (target.fidelity or 0)
    assert (file.most_error > 0) == (target.psnr != 120)


def test_what_is_too_small_to_be_measured_is_exact() -> None:
    source = Picture(picture(7, 9))
    reached = Encoder("tiny").encode_to(source, Target(ssimulacra2=30.0))
    assert (Decoder().decode(reached.data).pixels == source.pixels).all()


def test_a_size_that_cannot_be_gives_the_smallest_file() -> None:
    source, encoder = Picture(picture(100, 120)), Encoder("tiny")
    reached = encoder.encode_to(source, Target(size=20))
    assert "20 bytes cannot be met" in (reached.missed or "")
    assert len(reached.data) == pytest.approx(len(encoder.encode(source, 1)), rel=0.05)
    with pytest.raises(errors.UsageError, match="20 bytes cannot be met"):
        hpcmcodec.Encoder("tiny").encode_to(source, Target(size=20))
    assert hpcmcodec.Encoder("tiny").encode_to(source, Target(size=20), nearest=True) == reached.data


def test_visually_lossless() -> None:
    source = picture(60, 70)
    data = hpcmcodec.encode(source, visually_lossless=True, model="tiny")
    target = Target(ssimulacra2=90.0)
    assert fidelity(Picture(source), Decoder().decode(data).pixels, target) >= 90
    with pytest.raises(errors.UsageError, match="chooses for itself"):
        hpcmcodec.encode(source, 50, visually_lossless=True, model="tiny")
