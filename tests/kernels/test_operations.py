"""Every operation of programs against its definition by plain loops: at every level, on several threads, to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from operation_cases import CASES, bits, cases

from hpcmcodec.errors import ModelFileError
from hpcmcodec.kernels.program import operation_names, run_operation

Everywhere = Callable[[Callable[[], np.ndarray]], np.ndarray]


def test_every_operation_has_cases() -> None:
    assert operation_names() == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_operations_are_what_they_are_defined_to_be(name: str, everywhere: Everywhere) -> None:
    for case in cases(name, 6):
        wanted = run_operation(name, *case, definition=True)
        found = everywhere(lambda case=case: run_operation(name, *case))  # type: ignore[misc]
        assert found.shape == wanted.shape
        different = found.view(np.uint32) != wanted.view(np.uint32)
        assert not different.any(), (
            f"{name} {[None if x is None else x.shape for x in case.operands]} {case.attributes}"
        )


def test_many_pixels_take_many_threads(everywhere: Everywhere) -> None:
    x, y = (np.random.default_rng(i).standard_normal((3, 200, 301)).astype(np.float32) for i in range(2))
    vector = y[:, :1, :1].copy()
    for name in ("add", "multiply", "maximum"):
        for other in (y, vector):
            assert np.array_equal(everywhere(lambda: run_operation(name, [x, other])), _numpy(name)(x, other))  # noqa: B023


def _numpy(name: str) -> Any:
    return getattr(np, name)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("name", "operands", "attributes"),
    [
        ("add", [zeros(1, 2, 2)], []),
        ("add", [zeros(1, 2, 2), zeros(1, 3, 2)], []),
        ("add", [zeros(1, 2, 2), None], []),
        ("add", [zeros(1, 2, 2), zeros(1, 2, 2)], [1]),
        ("leaky_relu", [zeros(1, 2, 2)], []),
        ("leaky_relu", [zeros(1, 2, 2)], [bits(float("nan"))]),
        ("leaky_relu", [zeros(1, 2, 2)], [-1]),
        ("leaky_relu", [zeros(1, 2, 2)], ["0"]),
        ("conv2d", [zeros(3, 4, 4), zeros(2, 2, 3, 3), None], [1, 1]),
        ("conv2d", [zeros(3, 4, 4), zeros(2, 3, 3, 3), zeros(3)], [1, 1]),
        ("conv2d", [zeros(3, 4, 4), zeros(2, 3, 3, 3), None], [0, 1]),
        ("conv2d", [zeros(3, 4, 4), zeros(2, 3, 3, 3), None], [1, 3]),
        ("conv2d", [zeros(3, 4, 4), zeros(2, 3, 3, 2), None], [1, 1]),
        ("slice", [zeros(3, 4, 4)], [2, 2]),
        ("pixel_shuffle", [zeros(3, 4, 4)], [2]),
        ("regroup", [zeros(2, 4, 4)], [1, [1, 1], [2], [[1, 1]], [[0, 2, 0, 0]]]),
        ("regroup", [zeros(2, 4, 4)], [1, [1, 1], [2], [[1, 1]], []]),
        ("crop", [zeros(2, 4, 4)], [[1, 1], [0, 1], [4, 1], [4, 1]]),
        ("crop", [zeros(2, 4, 4)], [[0, 1], [0, 1], [4, 0], [4, 1]]),
        ("select", [zeros(2, 4, 4)], [2, 1, [1, 1], [0], 0, [[[5, 1], [4, 1]]]]),
        ("select", [zeros(2, 4, 4)], [2, 1, [2, 1], [0], 0, [[[4, 1], [4, 1]]]]),
        ("place", [zeros(3, 1, 1)], [2, 1, [1, 1], [0], 0, [[[1, 1], [1, 1]]], 0, [2, 1], [2, 1]]),
        ("place", [zeros(2, 1, 1)], [2, 1, [1, 1], [0], 0, [[[1, 1], [1, 1]]], 1, [2, 1], [2, 1]]),
        ("recall", [zeros(2, 3, 3)] * 3, [1, 0, bits(0.1)]),
        ("window_attention", [zeros(4, 3, 3)] * 3, [4, 3]),
        ("lapped_filter", [zeros(3, 16, 15), zeros(16, 16)], []),
        ("summarise", [zeros(130, 3, 3)] * 2, [2]),
    ],
)
def test_what_does_not_fit_is_refused(name: str, operands: list[Any], attributes: list[Any]) -> None:
    with pytest.raises(ModelFileError):
        run_operation(name, operands, attributes)
