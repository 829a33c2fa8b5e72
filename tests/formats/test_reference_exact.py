"""The exact coder against a decoder that was written from EXACT.md alone: same stream, same samples."""

from __future__ import annotations

import numpy as np
import pytest
import reference_exact

from hpcmcodec.kernels.exact import Samples, exact_decode, exact_encode

LETTER = np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1]], bool)


def picture(kind: str, height: int, width: int, channels: int, depth: int) -> Samples:
    rng = np.random.default_rng(height)
    y, x, c = np.mgrid[:height, :width, :channels]
    last = 2**depth - 1
    if kind == "noise":
        found = rng.integers(0, last + 1, (height, width, channels))
    elif kind == "photo":
        wave = np.sin(x / 7 + 0.2 * c) + np.cos(y / 5) + 0.1 * rng.normal(size=x.shape)
        found = np.clip((wave + 2.2) / 4.4, 0, 1) * last
        found[: height // 4, : width // 3] = last
    elif kind == "page":  # few colours, repeated marks
        found = np.full(x.shape, last)
        for top in range(1, height - 6, 7):
            for left in range(1, width - 5, 6):
                found[top : top + 5, left : left + 4][LETTER] = last // 3 * (c[0, 0] % 2)
        found[height // 2 :, width // 2 :] = (c * last // 5)[height // 2 :, width // 2 :]
    elif kind == "drawing":  # many colours, areas that are copied
        found = (x // 5 * 37 + y // 4 * 91 + c * 11) % (last + 1)
        found[rng.random((height, width)) < 0.08] = rng.integers(0, last + 1)
        shade = (np.arange(height) * 3)[:, None, None]
        found = np.where(x > 2 * width // 3, (shade + c + rng.integers(0, 9, x.shape)) % (last + 1), found)
    else:
        found = np.where(x % 7 < 3, last // 2, last // 2 + 4 * rng.integers(0, 3, x.shape)) // 4 * 4
    return found.astype(np.uint8 if depth == 8 else np.uint16)


@pytest.mark.parametrize("kind", ["noise", "photo", "page", "drawing", "sparse"])
@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (2, 8), (3, 8), (4, 8), (1, 16), (3, 12), (4, 16)])
@pytest.mark.parametrize("near", [0, 3])
def test_alone(kind: str, channels: int, depth: int, near: int) -> None:
    samples = picture(kind, 25, 30, channels, depth)
    data = exact_encode(samples, depth=depth, near=near)
    wanted = exact_decode(data, samples.shape, samples.dtype, depth=depth)  # type: ignore[arg-type]
    found = reference_exact.decode(data, 30, 25, channels, depth)
    np.testing.assert_array_equal(np.array(found), wanted)


@pytest.mark.parametrize(("channels", "depth", "effort"), [(2, 8, 0), (3, 8, 0), (3, 16, 0), (3, 8, 1), (4, 8, 0)])
def test_large_enough_for_streams_of_their_own(channels: int, depth: int, effort: int) -> None:
    samples = picture("photo", 65, 64, channels, depth)
    data = exact_encode(samples, depth=depth, effort=effort)
    found = reference_exact.decode(data, 64, 65, channels, depth)
    np.testing.assert_array_equal(np.array(found), samples)


@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (3, 8), (3, 16)])
@pytest.mark.parametrize("near", [0, 2])
def test_on_top_of_a_reference(channels: int, depth: int, near: int) -> None:
    samples = picture("photo", 24, 31, channels, depth)
    rng = np.random.default_rng(5)
    step = 2 ** (depth - 6)
    shown = np.clip(samples.astype(int) + rng.integers(-step, step, samples.shape), 0, 2**depth - 1)
    shown = shown.astype(samples.dtype)
    data = exact_encode(samples, depth=depth, near=near, reference=shown)
    wanted = exact_decode(data, samples.shape, samples.dtype, depth=depth, reference=shown)  # type: ignore[arg-type]
    found = reference_exact.decode(data, 31, 24, channels, depth, shown.tolist())
    np.testing.assert_array_equal(np.array(found), wanted)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_flat(value: int) -> None:
    samples = np.full((40, 30, 4), value, np.uint8)
    samples[..., 3] = 255
    assert np.array_equal(reference_exact.decode(exact_encode(samples), 30, 40, 4, 8), samples)
