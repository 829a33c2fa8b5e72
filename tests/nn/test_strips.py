"""Networks run strip by strip, or a rectangle at a time, give the bits of the whole; halos come from the layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpcmcodec.nn import lazy, ops, strips
from hpcmcodec.nn.lazy import Span

Network = Callable[[Any], Any]
_RNG = np.random.default_rng(1)


def weight(*shape: int) -> np.ndarray:
    return (_RNG.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


W3, W4, W2, T4, T2, D3 = (
    weight(*s) for s in ((8, 8, 3, 3), (8, 8, 4, 4), (8, 8, 2, 2), (8, 8, 4, 4), (8, 8, 2, 2), (8, 1, 3, 3))
)
BLOCK = (weight(2, 2, 3, 3), weight(2), weight(16, 8, 1, 1), weight(16), weight(8, 16, 1, 1), weight(8))
DEPTHWISE = (D3, weight(8), *BLOCK[2:])
FILTER, MATRIX = weight(16, 16), weight(32, 8, 1, 1)
W_BANDS = weight(32, 32, 3, 3)

NETWORKS: dict[str, Network] = {
    "matrix": lambda x: ops.matrix(x, MATRIX),
    "conv3x3": lambda x: ops.conv2d(x, W3, None, 1, 1),
    "conv3x3 stride 2": lambda x: ops.conv2d(x, W3, None, 2, 1),
    "conv4x4 stride 2": lambda x: ops.conv2d(x, W4, None, 2, 1),
    "conv2x2 stride 2": lambda x: ops.conv2d(x, W2, None, 2, 0),
    "transposed 4x4": lambda x: ops.conv_transpose2d(x, T4, None, 2, 1),
    "transposed 2x2": lambda x: ops.conv_transpose2d(x, T2, None, 2, 0),
    "depthwise": lambda x: ops.depthwise(x, D3, None),
    "partial block": lambda x: ops.pconv_rb(x, *BLOCK),
    "depthwise block": lambda x: ops.dwconv_rb(x, *DEPTHWISE),
    "lapped": lambda x: ops.lapped_filter(x, FILTER),
    "attention": lambda x: ops.window_attention(x, x, x, 4, 2),
    "shuffles": lambda x: ops.pixel_unshuffle(
        ops.conv2d(ops.pixel_shuffle(ops.conv2d(x, MATRIX, None), 2), W3[:, :8], None, 1, 1), 4
    ),
    "bands": lambda x: ops.inverse_haar(ops.conv2d(ops.haar(x), W_BANDS, None, 1, 1)),
    "arithmetic": lambda x: ops.leaky_relu(1.0 - x * D3[None, :, 0, :1, :1]) + ops.concat([x[:, 4:], x[:, :4]]) * 0.5,
    "a chain": lambda x: (
        ops.conv_transpose2d(ops.pconv_rb(ops.conv2d(ops.pconv_rb(x, *BLOCK), W4, None, 2, 1), *BLOCK), T4, None, 2, 1)
        + x
    ),
}
NETWORKS["shuffles"] = lambda x: ops.pixel_unshuffle(
    ops.lapped_filter(ops.pixel_shuffle(ops.conv2d(x, MATRIX, None), 2), FILTER), 4
)


def plan_of(network: Network, shape: tuple[int, ...]) -> strips.Plan:
    return strips.Plan(network(lazy.source(*shape[1:])))


def reader(x: np.ndarray) -> strips.Read:
    return lambda rows, columns: np.ascontiguousarray(x[:, :, rows.start : rows.stop, columns.start : columns.stop])


@pytest.mark.parametrize("step", [1, 5, 16, 1000])
@pytest.mark.parametrize("name", NETWORKS)
def test_strips_give_the_bits_of_the_whole(name: str, step: int) -> None:
    x = np.random.default_rng(2).standard_normal((1, 8, 48, 80)).astype(np.float32)
    network = NETWORKS[name]
    whole = network(x)
    plan = plan_of(network, x.shape)
    assert plan.result.shape == whole.shape
    rows, columns = Span(0, whole.shape[2]), Span(0, whole.shape[3])
    parts = list(plan.run(reader(x), rows, columns, step))
    assert [p[0].start for p in parts] == list(range(0, rows.stop, step))
    assert np.concatenate([p[1] for p in parts], 2).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_rectangles_give_the_bits_of_the_whole(name: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1, 8, 64, 80)).astype(np.float32)
    whole = NETWORKS[name](x)
    plan = plan_of(NETWORKS[name], x.shape)
    for _ in range(12):
        top, left = (int(rng.integers(0, size)) for size in whole.shape[2:])
        rows, columns = (
            Span(top, int(rng.integers(top + 1, whole.shape[2] + 1))),
            Span(left, int(rng.integers(left + 1, whole.shape[3] + 1))),
        )
        parts = [part for _, part in plan.run(reader(x), rows, columns, int(rng.integers(1, 20)))]
        expected = whole[:, :, rows.start : rows.stop, columns.start : columns.stop]
        assert np.concatenate(parts, 2).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_field_holds_all_that_matters(name: str) -> None:
    """Changing everything outside the field leaves the rectangle as it is."""
    x = np.random.default_rng(4).standard_normal((1, 8, 64, 64)).astype(np.float32)
    plan = plan_of(NETWORKS[name], x.shape)
    size = plan.result.shape[2]
    rows, columns = Span(size // 2, size // 2 + 3), Span(size // 4, size // 4 + 1)
    (top, bottom), (left, right) = plan.field(rows, columns)
    other = np.random.default_rng(5).standard_normal(x.shape).astype(np.float32)
    other[:, :, top:bottom, left:right] = x[:, :, top:bottom, left:right]
    cut = np.s_[:, :, rows.start : rows.stop, columns.start : columns.stop]
    np.testing.assert_array_equal(NETWORKS[name](x)[cut], NETWORKS[name](other)[cut])


def test_halos_come_from_the_layers() -> None:
    three = plan_of(
        lambda x: ops.depthwise(ops.depthwise(ops.depthwise(x, D3, None), D3, None), D3, None), (1, 8, 64, 64)
    )
    assert three.field(Span(20, 30), Span(0, 1)) == (Span(17, 33), Span(0, 4))
    up = plan_of(NETWORKS["transposed 4x4"], (1, 8, 64, 64))
    assert up.field(Span(20, 22), Span(0, 2)) == (Span(9, 12), Span(0, 2))


def test_every_row_of_the_source_is_read_once() -> None:
    x = np.zeros((1, 8, 64, 32), np.float32)
    seen: list[int] = []

    def read(rows: Span, columns: Span) -> np.ndarray:
        seen.extend(range(*rows))
        return x[:, :, rows.start : rows.stop, columns.start : columns.stop]

    plan = plan_of(NETWORKS["a chain"], x.shape)
    for _ in plan.run(read, Span(0, 64), Span(0, 32), 7):
        pass
    assert seen == list(range(64))


def test_what_is_not_local_says_so() -> None:
    x = lazy.source(8, 16, 16)
    for network in (
        lambda: ops.cell_sum(x, 4),
        lambda: ops.double(x),
        lambda: x[:, :, 1:],
        lambda: x + np.zeros((1, 8, 16, 16), np.float32),
        lambda: ops.conv2d(x, W3, None, 1, 0),
    ):
        with pytest.raises(lazy.NotLocalError):
            network()
