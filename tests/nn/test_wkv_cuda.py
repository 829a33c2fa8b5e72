"""The CUDA source of WKV, compiled for the host: the bits of the C++ kernels. The same on a card, if there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels

torch = pytest.importorskip("torch")

from hpcmcodec.nn import wkv_cuda, wkv_torch  # noqa: E402

KERNELS = Path(__file__).parents[2] / "kernels"
VECTORS = np.load(Path(__file__).parents[1] / "data/kernels/wkv.npz")
SIZES = [(1, 1, 1), (2, 64, 3), (3, 65, 17), (1, 200, 40), (7, 129, 5), (2, 1000, 13)]


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> wkv_cuda.Library:
    """The source with grid and blocks as loops (kernels/cuda/emulation.h)."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    target = tmp_path_factory.mktemp("cuda") / "emulated.so"
    flags = ["-std=c++17", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"]
    folders = ["-DHPCM_CUDA_EMULATION", f"-I{KERNELS / 'src'}", f"-I{KERNELS / 'cuda'}"]
    subprocess.run([compiler, *flags, *folders, "-x", "c++", KERNELS / "cuda/wkv.cu", "-o", target], check=True)
    return wkv_cuda.Library(target)


def drawn(batch: int, tokens: int, channels: int) -> list[Any]:
    """w, u, k, v and gy."""
    generator = torch.Generator().manual_seed(tokens)
    shape = (batch, tokens, channels)
    w, u, *rest = (torch.randn(s, generator=generator) for s in ((channels,), (channels,), shape, shape, shape))
    return [w.abs() * 0.3, u, *rest]


def bits(tensors: Any) -> list[bytes]:
    return [tensor.cpu().numpy().tobytes() for tensor in tensors]


def test_recorded_bits(emulated: wkv_cuda.Library) -> None:
    for name in VECTORS["cases"]:
        arrays = (torch.from_numpy(VECTORS[f"{name}.{part}"]) for part in "wukv")
        assert bits([emulated.forward(*arrays)]) == [VECTORS[f"{name}.y32"].tobytes()]


@pytest.mark.parametrize("size", SIZES)
def test_the_bits_are_those_of_the_processors_kernels(emulated: wkv_cuda.Library, size: tuple[int, int, int]) -> None:
    tensors = drawn(*size)
    arrays = [tensor.numpy() for tensor in tensors]
    assert bits([emulated.forward(*tensors[:4])]) == [kernels.wkv(*arrays[:4]).tobytes()]
    assert bits(emulated.backward(*tensors)) == [part.tobytes() for part in kernels.wkv_backward(*arrays)]


def test_layouts_do_not_matter(emulated: wkv_cuda.Library) -> None:
    tensors = drawn(2, 70, 6)
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) if x.ndim == 3 else x for x in tensors]
    assert bits([emulated.forward(*turned[:4])]) == bits([emulated.forward(*tensors[:4])])
    assert bits(emulated.backward(*turned)) == bits(emulated.backward(*tensors))


def test_a_missing_or_broken_library_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wkv_cuda.kernels, "__file__", str(tmp_path / "__init__.py"))
    wkv_cuda.library.cache_clear()
    try:
        assert wkv_cuda.library() is None
        wkv_cuda.library.cache_clear()
        (tmp_path / wkv_cuda.LIBRARY).write_bytes(b"no library")
        with pytest.warns(UserWarning, match="plain torch"):
            assert wkv_cuda.library() is None
    finally:
        wkv_cuda.library.cache_clear()


@pytest.mark.skipif(wkv_cuda.library() is None, reason="built without nvcc")
@pytest.mark.skipif(torch.cuda.is_available(), reason="has a graphics card")
def test_the_built_library_without_a_card_says_so() -> None:
    library = wkv_cuda.library()
    assert library is not None
    with pytest.raises(RuntimeError, match="CUDA"):
        library.forward(*drawn(1, 5, 3)[:4])


@pytest.mark.skipif(not torch.cuda.is_available() or wkv_cuda.library() is None, reason="needs a card and nvcc")
@pytest.mark.parametrize("size", SIZES)
def test_the_bits_on_a_card(size: tuple[int, int, int]) -> None:
    *tensors, gy = drawn(*size)
    moved = [tensor.cuda().requires_grad_() for tensor in tensors]
    result = wkv_torch.sequences(*moved)
    result.backward(gy.cuda())
    arrays = [tensor.numpy() for tensor in (*tensors, gy)]
    assert bits([result.detach()]) == [kernels.wkv(*arrays[:4]).tobytes()]
    assert bits(tensor.grad for tensor in moved) == [part.tobytes() for part in kernels.wkv_backward(*arrays)]
