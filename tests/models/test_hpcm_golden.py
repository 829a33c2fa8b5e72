"""Whole networks against the official ones: symbols, scale indexes, tensors, rates, and the decoder's identity."""

from __future__ import annotations

import golden
import numpy as np
import pytest

# float32: library or ordered sums against a float64 reference. float64: what storing samples in float32 costs.
TOLERANCE = {"native": 5e-5, "float32": 5e-5, "float64": 2e-6}
QUICK = [("base_a", "native"), ("base_a", "float32")]
LONG = [
    *((name, backend) for name in ("base_b", "phi_a", "large_a") for backend in golden.BACKENDS),
    ("base_a", "float64"),
    ("1b_a", "float32"),
    ("1b_a", "native"),
]
CASES = [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in LONG)]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_network_reproduces_the_official_one(name: str, backend: str) -> None:
    case = np.load(golden.DATA / f"{name}.npz")
    # The largest network's weights take 4 GB: do not hold them twice.
    run = golden.Run(name.split("_")[0], backend, golden.picture(case), keep=name != "1b_a")
    golden.check_symbols(run, case)
    assert golden.check_indexes(run, case) <= (0 if backend == "float64" else 3)
    golden.check_tensors(run, case, TOLERANCE[backend])
    golden.check_bits(run, case)
    assert run.decoded.tobytes() == run.tensors["y_hat"].tobytes()
