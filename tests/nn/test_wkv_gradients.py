"""Gradients of bidirectional WKV: kernels and plain torch against recorded ones and finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels

torch = pytest.importorskip("torch")

from hpcmcodec.nn import wkv_reference, wkv_torch  # noqa: E402
from tests.levels import every_way  # noqa: E402

VECTORS = np.load(Path(__file__).parents[1] / "data/rwkv/gradients.npz")
"""Per case w, u, k, v and gy, the gradients of the outputs; y, gw, gu, gk, gv by automatic differentiation of the
quadratic definition in float64."""
CASES = [str(name) for name in VECTORS["cases"]]
GRADIENTS = ("gw", "gu", "gk", "gv")


def inputs(name: str) -> list[np.ndarray]:
    return [VECTORS[f"{name}.{part}"] for part in ("w", "u", "k", "v", "gy")]


def close(found: Any, name: str, part: str, tolerance: float) -> None:
    expected = VECTORS[f"{name}.{part}"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-3))


def drawn(batch: int, tokens: int, channels: int, dtype: Any = torch.float64) -> list[Any]:
    generator = torch.Generator().manual_seed(tokens)
    shapes = ((channels,), (channels,), (batch, tokens, channels), (batch, tokens, channels))
    tensors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    tensors[0] = tensors[0].abs() * 0.3
    return [tensor.to(dtype).requires_grad_() for tensor in tensors]


@pytest.mark.parametrize("name", CASES)
def test_recorded_gradients(name: str) -> None:
    arrays = inputs(name)
    wide = [torch.from_numpy(array.astype(np.float64)) for array in arrays]
    close(wkv_reference.forward(*wide[:4]), name, "y", 1e-10)
    for found, part in zip(wkv_reference.backward(*wide), GRADIENTS, strict=True):
        close(found, name, part, 1e-10)
    for found, part in zip(kernels.wkv_backward(*arrays), GRADIENTS, strict=True):
        close(found, name, part, 1e-4)


@pytest.mark.parametrize("tokens", [1, 2, 9])
def test_finite_differences(tokens: int) -> None:
    assert torch.autograd.gradcheck(wkv_torch.sequences, drawn(2, tokens, 3))


def test_finite_differences_of_windows() -> None:
    w, u, *_ = drawn(1, 1, 2)
    k, v = torch.randn(2, 1, 2, 3, 5, dtype=torch.float64).unbind()
    maps = (k.requires_grad_(), v.requires_grad_(), w, u)
    assert torch.autograd.gradcheck(lambda *tensors: wkv_torch.wkv(*tensors, 2, 3), maps)


@pytest.mark.parametrize(("batch", "tokens", "channels"), [(1, 1, 1), (3, 65, 17), (2, 130, 3), (7, 64, 5)])
def test_gradients_are_the_same_bits_at_every_level(batch: int, tokens: int, channels: int) -> None:
    arrays = [tensor.detach().numpy() for tensor in drawn(batch, tokens, channels, torch.float32)]
    gy = np.random.default_rng(1).normal(size=arrays[2].shape).astype(np.float32)
    found = set()
    for _ in every_way(1, 3):
        found.add(b"".join(part.tobytes() for part in kernels.wkv_backward(*arrays, gy)))
    assert len(found) == 1


def test_training_sees_the_codecs_numbers() -> None:
    tensors = drawn(2, 100, 6, torch.float32)
    arrays = [tensor.detach().numpy() for tensor in tensors]
    result = wkv_torch.sequences(*tensors)
    assert result.detach().numpy().tobytes() == kernels.wkv(*arrays).tobytes()
    gy = torch.linspace(-1, 1, result.numel()).reshape(result.shape)
    result.backward(gy)
    for tensor, expected in zip(tensors, kernels.wkv_backward(*arrays, gy.numpy()), strict=True):
        assert tensor.grad.numpy().tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_narrow_types_are_widened(dtype: Any) -> None:
    w, u, k, v = drawn(2, 70, 4, torch.float32)
    narrow = [tensor.detach().to(dtype).requires_grad_() for tensor in (k, v)]
    result = wkv_torch.sequences(w, u, *narrow)
    wide = [tensor.detach().float().requires_grad_() for tensor in narrow]
    expected = wkv_torch.sequences(w, u, *wide)
    assert result.dtype == dtype
    assert torch.equal(result, expected.to(dtype))
    gy = torch.ones_like(result)
    gradients = torch.autograd.grad(result, [w, *narrow], gy)
    for found, exact in zip(gradients, torch.autograd.grad(expected, [w, *wide], gy.float()), strict=True):
        assert torch.equal(found, exact.to(found.dtype))


def test_mixed_types_are_refused() -> None:
    w, u, k, v = (tensor.detach() for tensor in drawn(1, 5, 2, torch.float32))
    with pytest.raises(TypeError, match="one type"):
        wkv_torch.sequences(w, u, k.half(), v)
    with pytest.raises(TypeError, match="decay"):
        wkv_torch.sequences(w.double(), u, k, v)


def test_nothing_in_nothing_out() -> None:
    w, u, k, v = drawn(1, 1, 2)
    assert wkv_torch.sequences(w, u, k[:0], v[:0]).shape == (0, 1, 2)
    assert wkv_torch.sequences(w, u, k[:, :0], v[:, :0]).shape == (1, 0, 2)


def test_without_kernels_the_reference_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = drawn(1, 80, 3, torch.float32)
    expected = wkv_torch.sequences(*tensors)
    monkeypatch.setattr(wkv_torch, "_has_kernels", lambda: False)
    found = wkv_torch.sequences(*tensors)
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=0, atol=1e-5)
    gradients = [torch.autograd.grad(y.sum() + y.square().sum(), tensors) for y in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))
