"""Every operation of `ops` on the native backend against torch: float64 as reference, float32 for comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.operation import Operation

torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any], tuple[list[Any], dict[str, Any]]]] = {}


def case(name: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register a function of a random array maker that returns (arguments, keywords) of operation `name`."""

    def register(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        CASES[f"{name}-{build.__name__}"] = build
        return build

    return register


@case("conv2d")
def one_by_one(a: Any) -> Any:
    return [a(1, 7, 5, 9), a(11, 7, 1, 1), a(11)], {}


@case("conv2d")
def without_bias(a: Any) -> Any:
    return [a(1, 7, 5, 9), a(11, 7, 1, 1), None], {}


@case("conv2d")
def padded_3x3(a: Any) -> Any:
    return [a(1, 5, 7, 6), a(4, 5, 3, 3), a(4)], {"padding": 1}


@case("conv2d")
def strided_2x2(a: Any) -> Any:
    return [a(1, 5, 8, 6), a(4, 5, 2, 2), a(4)], {"stride": 2}


@case("conv2d")
def strided_4x4(a: Any) -> Any:
    return [a(1, 3, 8, 12), a(8, 3, 4, 4), a(8)], {"stride": 2, "padding": 1}


@case("matrix")
def statistics(a: Any) -> Any:
    return [a(1, 7, 5, 9), a(11, 7, 1, 1)], {}


@case("conv_transpose2d")
def doubled_2x2(a: Any) -> Any:
    return [a(1, 5, 4, 6), a(5, 3, 2, 2), a(3), 2], {}


@case("conv_transpose2d")
def doubled_4x4(a: Any) -> Any:
    return [a(1, 5, 4, 6), a(5, 3, 4, 4), a(3), 2], {"padding": 1}


@case("depthwise")
def same_size(a: Any) -> Any:
    return [a(1, 6, 5, 7), a(6, 1, 3, 3), a(6)], {}


@case("pconv_rb")
def quarter(a: Any) -> Any:
    return [a(1, 16, 6, 10), a(4, 4, 3, 3), a(4), a(32, 16, 1, 1), a(32), a(16, 32, 1, 1), a(16)], {}


@case("dwconv_rb")
def expansion_2(a: Any) -> Any:
    return [a(1, 12, 6, 10), a(12, 1, 3, 3), a(12), a(24, 12, 1, 1), a(24), a(12, 24, 1, 1), a(12)], {}


@case("window_attention")
def windows_4(a: Any) -> Any:
    return [a(1, 64, 8, 12), a(1, 64, 8, 12), a(1, 64, 8, 12), 4, 16], {}


@case("layer_norm")
def channels(a: Any) -> Any:
    return [a(1, 20, 3, 5), a(20), a(20), 1e-6], {}


@case("leaky_relu")
def default_slope(a: Any) -> Any:
    return [a(1, 3, 5, 7)], {}


@case("exp")
def any_shape(a: Any) -> Any:
    return [3 * a(1, 2, 3, 11)], {}


@case("sigmoid")
def any_sign(a: Any) -> Any:
    return [5 * a(1, 2, 3, 11)], {}


@case("scale_shift")
def per_channel(a: Any) -> Any:
    return [a(1, 6, 5, 7), a(1, 6), a(1, 6)], {}


@case("signed_log_feature")
def with_scales(a: Any) -> Any:
    return [9 * a(1, 6, 5, 7), abs(a(1, 6)) + 0.1], {}


@case("pixel_shuffle")
def by_2(a: Any) -> Any:
    return [a(1, 12, 3, 5), 2], {}


@case("pixel_unshuffle")
def by_4(a: Any) -> Any:
    return [a(1, 3, 8, 12), 4], {}


@case("blend_rows")
def five_anchors(a: Any) -> Any:
    return [a(1, 5), a(5, 13)], {}


@case("lapped_filter")
def three_blocks(a: Any) -> Any:
    return [a(1, 3, 48, 32), a(16, 16)], {}


@case("cell_sum")
def cells_of_4(a: Any) -> Any:
    return [a(1, 3, 8, 12), 4], {}


def as_torch(value: Any, dtype: Any) -> Any:
    return torch.tensor(value, dtype=dtype) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", CASES)
def test_native_equals_torch(name: str) -> None:
    rng = np.random.default_rng(7)
    arguments, keywords = CASES[name](lambda *shape: rng.standard_normal(shape).astype(np.float32))
    operation = getattr(ops, name.split("-")[0])
    native = operation(*arguments, **keywords)
    exact = operation(*(as_torch(v, torch.float64) for v in arguments), **keywords).numpy()
    single = operation(*(as_torch(v, torch.float32) for v in arguments), **keywords).numpy()
    assert native.dtype == np.float32 and native.shape == exact.shape
    tolerance = 4e-6 * max(1.0, float(np.abs(exact).max()))
    np.testing.assert_allclose(native, exact, rtol=2e-6, atol=tolerance)
    np.testing.assert_allclose(native, single, rtol=4e-6, atol=2 * tolerance)


def test_every_operation_has_a_torch_definition() -> None:
    operations = [value for value in vars(ops).values() if isinstance(value, Operation)]
    assert len(operations) > 40
    assert [o.__name__ for o in operations if o._torch is None] == []


def test_native_refuses_batches() -> None:
    with pytest.raises(ValueError, match=r"\(1, C, H, W\)"):
        ops.pixel_shuffle(np.zeros((2, 4, 3, 3), np.float32), 2)
