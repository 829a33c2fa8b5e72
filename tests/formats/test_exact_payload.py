"""Payloads of exact tiles: alone or on top of a reference, checked by their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.errors import CorruptError
from hpcmcodec.formats import exact

SHAPE = (40, 50, 3)


def pictures(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:40, :50]
    samples = (100 + 50 * np.sin(x / 6)[..., None] + 30 * np.cos(y / 5)[..., None] + rng.normal(0, 4, SHAPE)).astype(
        dtype
    )
    return samples, (samples + rng.integers(-1, 2, SHAPE)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("near", [0, 2])
def test_the_smaller_way_is_taken(dtype: type, near: int) -> None:
    samples, close = pictures(dtype)
    depth = 8 * np.dtype(dtype).itemsize
    alone = exact.encode(samples, depth=depth, near=near)
    on_top = exact.encode(samples, depth=depth, near=near, reference=close)
    assert not exact.needs_reference(alone) and exact.needs_reference(on_top) and len(on_top) < len(alone)
    for payload in (alone, on_top):
        decoded = exact.decode(payload, SHAPE, dtype, depth=depth, reference=close)
        assert np.abs(decoded.astype(int) - samples).max() <= near
    useless = np.zeros_like(samples)
    useless[::2] = 255
    assert not exact.needs_reference(exact.encode(samples, depth=depth, reference=useless))


def test_wrong_pixels_are_noticed() -> None:
    samples, close = pictures(np.uint8)
    payload = exact.encode(samples, depth=8, reference=close)
    with pytest.raises(CorruptError, match="other pixels"):
        exact.decode(payload, SHAPE, np.uint8, depth=8, reference=samples)
    with pytest.raises(ValueError, match="reference"):
        exact.decode(payload, SHAPE, np.uint8, depth=8)
    for damaged in (b"", b"\2" + payload[1:], payload[:4], payload[:-9]):
        with pytest.raises(CorruptError):
            exact.decode(damaged, SHAPE, np.uint8, depth=8, reference=close)
