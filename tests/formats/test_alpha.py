"""Alpha planes come back to the bit, cheap ones cost next to nothing, damaged ones are refused."""

from __future__ import annotations

import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmcodec.errors import CorruptError
from hpcmcodec.formats import alpha


def planes() -> dict[str, np.ndarray]:
    y, x = np.mgrid[0:61, 0:90]
    rng = np.random.default_rng(1)
    return {
        "opaque": np.full((61, 90), 255, np.uint8),
        "one": np.array([[7]], np.uint8),
        "disc": np.where((x - 40) ** 2 + (y - 30) ** 2 < 700, 255, 0).astype(np.uint8),
        "across": (x * 2).astype(np.uint8),
        "down": (y * 3 % 256).astype(np.uint8),
        "plane": ((x * 3 + y * 5) % 256).astype(np.uint8),
        "noise": rng.integers(0, 256, (61, 90)).astype(np.uint8),
        "thin": rng.integers(0, 256, (1, 500)).astype(np.uint8),
    }


@pytest.mark.parametrize("name", planes())
def test_round_trip(name: str) -> None:
    plane = planes()[name]
    data = alpha.encode(plane)
    got = alpha.decode(data, *plane.shape)
    assert got.dtype == np.uint8 and got.flags.writeable
    np.testing.assert_array_equal(got, plane)


def test_sizes() -> None:
    size = {name: len(alpha.encode(plane)) for name, plane in planes().items()}
    assert size["opaque"] == 2
    assert max(size["across"], size["down"], size["plane"]) < 60
    assert size["disc"] < 300


def test_every_method_decodes() -> None:
    plane = planes()["noise"]
    for method in range(1, 5):
        data = bytes([method]) + zlib.compress(alpha._difference(plane, method))
        np.testing.assert_array_equal(alpha.decode(data, *plane.shape), plane)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\1\2", b"\5ab", b"\1", b"\1notzlib", b"\1" + zlib.compress(bytes(10**7))]
)
def test_damage_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptError):
        alpha.decode(data, 61, 90)


def test_wrong_size_is_refused() -> None:
    plane = planes()["disc"]
    data = alpha.encode(plane)
    for shape in ((61, 89), (61, 91)):
        with pytest.raises(CorruptError):
            alpha.decode(data, *shape)
    for damaged in (data[:-1], data + b"x"):
        with pytest.raises(CorruptError):
            alpha.decode(damaged, *plane.shape)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 30), st.integers(1, 30))
def test_anything_else_is_corrupt(data: bytes, height: int, width: int) -> None:
    with suppress(CorruptError):
        assert alpha.decode(data, height, width).shape == (height, width)
