"""The exact coder: what goes in comes out, whatever it is; damaged bytes do no harm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcmcodec.errors import CorruptError, UnsupportedVersionError
from hpcmcodec.kernels.exact import Samples, exact_decode, exact_encode

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def picture(seed: int, shape: tuple[int, int, int], depth: int, kind: str) -> Samples:
    """Noise, smooth, few colours, flat with marks, or sparse values."""
    rng = np.random.default_rng(seed)
    last = 2**depth - 1
    height, width, channels = shape
    if kind == "noise":
        found = rng.integers(0, last + 1, shape)
    elif kind == "smooth":
        y, x = np.mgrid[:height, :width]
        wave = np.sin(x / 5 + seed)[..., None] + np.cos(y / 7)[..., None] + 0.1 * rng.normal(size=shape)
        found = np.clip((wave + 2) / 4 * last, 0, last)
    elif kind == "colours":
        colours = rng.integers(0, last + 1, (min(5, last + 1), channels))
        found = colours[rng.integers(0, len(colours), (height, width)) * (rng.random((height, width)) < 0.3)]
    elif kind == "flat":
        found = np.full(shape, last // 3)
        found[rng.random((height, width)) < 0.02] = last
    else:
        found = rng.integers(0, last + 1, shape) // 4 * 4
    return found.astype(np.uint8 if depth <= 8 else np.uint16)


KINDS = st.sampled_from(["noise", "smooth", "colours", "flat", "sparse"])
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))


@QUIET
@given(st.integers(0, 10**6), SHAPES, st.integers(1, 16), KINDS, st.integers(0, 1))
def test_any_picture_returns(seed: int, shape: tuple[int, int, int], depth: int, kind: str, effort: int) -> None:
    samples = picture(seed, shape, depth, kind)
    data = exact_encode(samples, depth=depth, effort=effort)
    assert np.array_equal(exact_decode(data, shape, samples.dtype, depth=depth), samples)
    assert data == exact_encode(samples.copy(), depth=depth, effort=effort)


@QUIET
@given(st.integers(0, 10**6), SHAPES, st.integers(1, 16), KINDS, KINDS, st.integers(0, 6))
def test_any_picture_returns_beside_a_reference(
    seed: int, shape: tuple[int, int, int], depth: int, kind: str, other: str, near: int
) -> None:
    samples, reference = picture(seed, shape, depth, kind), picture(seed + 1, shape, depth, other)
    data = exact_encode(samples, depth=depth, reference=reference, near=near)
    decoded = exact_decode(data, shape, samples.dtype, depth=depth, reference=reference)
    assert int(np.abs(decoded.astype(int) - samples).max()) <= near


@QUIET
@given(st.integers(0, 10**6), SHAPES, st.integers(1, 16), KINDS, st.integers(1, 255))
def test_error_stays_within_what_was_asked(
    seed: int, shape: tuple[int, int, int], depth: int, kind: str, near: int
) -> None:
    samples = picture(seed, shape, depth, kind)
    data = exact_encode(samples, depth=depth, near=near)
    decoded = exact_decode(data, shape, samples.dtype, depth=depth)
    assert int(np.abs(decoded.astype(int) - samples).max()) <= near
    assert decoded.max() <= 2**depth - 1


@QUIET
@given(st.binary(max_size=200), SHAPES, st.integers(1, 16), st.booleans())
def test_any_bytes_are_safe(data: bytes, shape: tuple[int, int, int], depth: int, referred: bool) -> None:
    dtype = np.uint8 if depth <= 8 else np.uint16
    reference = np.zeros(shape, dtype) if referred else None
    try:
        decoded = exact_decode(data, shape, dtype, depth=depth, reference=reference)
    except (CorruptError, UnsupportedVersionError):
        return
    assert decoded.max() <= 2**depth - 1


@QUIET
@given(st.integers(0, 10**6), SHAPES, KINDS, st.data())
def test_changed_bytes_are_safe(seed: int, shape: tuple[int, int, int], kind: str, draw: st.DataObject) -> None:
    samples = picture(seed, shape, 8, kind)
    data = bytearray(exact_encode(samples))
    for _ in range(draw.draw(st.integers(1, 3))):
        if data:
            data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(data)))
    for damaged in (bytes(data), bytes(data[:cut])):
        try:
            exact_decode(damaged, shape, np.uint8)
        except (CorruptError, UnsupportedVersionError):
            continue


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16), (np.uint16, 10)])
def test_flat_pictures_cost_a_few_bytes(channels: int, dtype: type, depth: int) -> None:
    samples = np.full((256, 256, channels), 2**depth - 1, dtype)
    assert len(exact_encode(samples, depth=depth)) <= 6 + 2 * channels


@pytest.mark.parametrize("depth", [1, 7, 8, 12, 16])
def test_noise_never_grows(depth: int) -> None:
    noise = picture(1, (16, 16, 3), depth, "noise")
    assert len(exact_encode(noise, depth=depth)) <= noise.size * depth / 8 + 2


def test_grey_stored_as_colour_costs_no_more() -> None:
    grey = picture(3, (64, 64, 1), 8, "smooth")
    assert len(exact_encode(np.repeat(grey, 3, 2).copy())) <= len(exact_encode(grey)) + 4


def test_bytes_left_over_are_refused() -> None:
    samples = picture(4, (9, 9, 3), 8, "noise")
    data = exact_encode(samples)
    for more in (b"\0", b"\1" * 9, b"\0" * 20 + b"\1"):
        with pytest.raises(CorruptError):
            exact_decode(data + more, samples.shape, np.uint8)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [0x02, 0x0F, 0x12, 0x41, 0xF1])
def test_methods_of_later_versions_are_told_from_damage(first: int) -> None:
    with pytest.raises(UnsupportedVersionError, match="newer"):
        exact_decode(bytes([first]) + b"\1" * 20, (4, 5, 3), np.uint8)


@pytest.mark.parametrize(
    "damaged", [b"", b"\x21", b"\x21\x80\x00", b"\x21\xff\xff\xff\xff\xff\x01", b"\x21\x02\x02\x01"]
)
def test_streams_that_cannot_be_are_refused(damaged: bytes) -> None:
    with pytest.raises(CorruptError):
        exact_decode(damaged, (4, 5, 3), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 90])
def test_streams_of_their_own(channels: int, width: int) -> None:
    samples = picture(8, (-(-4096 // width), width, channels), 8, "smooth")
    data = exact_encode(samples)
    assert data[0] == 1 + 16 * (channels - 1) or width < 90  # narrow ones may have fewer values, and are then copied
    assert np.array_equal(exact_decode(data, samples.shape, np.uint8), samples)  # type: ignore[arg-type]


def test_effort_is_for_photographs() -> None:
    """Those whose colours come again: there it saves something."""
    smooth = picture(9, (120, 120, 3), 8, "smooth") // 8 * 8
    smooth[..., 2] = smooth[..., 1] ^ 5
    assert len(exact_encode(smooth, effort=1)) <= len(exact_encode(smooth))
    graphic = picture(9, (120, 120, 3), 8, "flat")
    assert exact_encode(graphic, effort=1) == exact_encode(graphic)


def test_a_good_reference_saves_most() -> None:
    samples = picture(5, (96, 96, 3), 8, "smooth")
    rng = np.random.default_rng(6)
    shown = np.clip(samples.astype(int) + rng.integers(-1, 2, samples.shape), 0, 255).astype(np.uint8)
    assert len(exact_encode(samples, reference=shown)) < 0.8 * len(exact_encode(samples))


def test_wider_samples_of_the_same_values_cost_the_same() -> None:
    samples = picture(7, (80, 80, 3), 8, "smooth")
    wide: NDArray[np.uint16] = samples.astype(np.uint16) * 257
    assert len(exact_encode(wide)) < 1.05 * len(exact_encode(samples)) + 120


@pytest.mark.parametrize(
    "problem",
    [
        {"depth": 0},
        {"depth": 9},
        {"depth": 7},  # a sample is beyond it
        {"near": -1},
        {"near": 256},
        {"reference": np.zeros((4, 4, 3), np.uint8)},
    ],
)
def test_wrong_arguments_are_refused(problem: dict[str, object]) -> None:
    samples = np.full((4, 5, 3), 200, np.uint8)
    with pytest.raises(ValueError, match=r"."):
        exact_encode(samples, **problem)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 5), (0, 5, 3), (4, 5, 0)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        exact_encode(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"."):
        exact_decode(b"", shape, np.uint8)  # type: ignore[arg-type]


def test_wrong_types_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8 or uint16"):
        exact_encode(np.zeros((4, 5, 3), np.float32))  # type: ignore[arg-type]
