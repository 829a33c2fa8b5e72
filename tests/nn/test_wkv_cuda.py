"""The CUDA source of WKV, compiled for the host: the bits of the C++ kernels. What nvcc makes of it and what the loader
hands over, without a card; the same bits on a card, if there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels

torch = pytest.importorskip("torch")

from hpcmcodec.nn import wkv_cuda, wkv_reference, wkv_torch  # noqa: E402

KERNELS = Path(__file__).parents[2] / "kernels"
INCLUDED = ("core", "ops", "cuda")
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
    folders = ["-DHPCM_CUDA_EMULATION", *(f"-I{KERNELS / folder}" for folder in INCLUDED)]
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
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "__init__.py"))
    wkv_cuda.library.cache_clear()
    try:
        assert wkv_cuda.library() is None
        wkv_cuda.library.cache_clear()
        (tmp_path / wkv_cuda.LIBRARY).write_bytes(b"no library")
        with pytest.warns(UserWarning, match="plain torch"):
            assert wkv_cuda.library() is None
    finally:
        wkv_cuda.library.cache_clear()


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
def test_nvcc_rounds_every_operation_by_itself(tmp_path: Path) -> None:
    """Instructions for a card: the four operations and the fused one are correctly rounded and keep subnormals; none
    leaves rounding open, which would allow fusing it later."""
    flags = ["-std=c++17", "-O3", "--fmad=false", "--ftz=false", "--prec-div=true", "-ptx"]
    folders = [f"-I{KERNELS / folder}" for folder in INCLUDED]
    subprocess.run(["nvcc", *flags, *folders, KERNELS / "cuda/wkv.cu", "-o", tmp_path / "wkv.ptx"], check=True)
    text = (tmp_path / "wkv.ptx").read_text()
    used = set(re.findall(r"^\s+((?:add|sub|mul|div|fma|mad|ex2|rcp|rsqrt|sqrt)\.\S*f32)", text, re.MULTILINE))
    assert used == {f"{name}.rn.f32" for name in ("add", "sub", "mul", "div", "fma")}
    assert not re.search(r"\.ftz|\.approx|\.f64|\batom\.|\bred\.", text)


class Recorder:
    """In place of a library: what its functions were called with."""

    def __init__(self, error: int = 0) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error = error

    def hpcm_wkv_forward_scratch(self, *sizes: int) -> int:
        return 10

    def hpcm_wkv_forward(self, *arguments: Any) -> int:
        self.calls.append(arguments)
        return self.error

    def hpcm_error_text(self, error: int) -> bytes:
        return b"error %d" % error


def recording(error: int = 0) -> tuple[wkv_cuda.Library, Recorder]:
    library, recorder = object.__new__(wkv_cuda.Library), Recorder(error)
    library._library = recorder  # type: ignore[assignment]
    return library, recorder


def test_addresses_device_and_stream_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    library, recorder = recording()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: SimpleNamespace(cuda_stream=1000 + device.index))
    place = wkv_cuda._place
    on_card = SimpleNamespace(device=torch.device("cuda", 3), get_device=lambda: 3)
    monkeypatch.setattr(wkv_cuda, "_place", lambda x: place(on_card))
    tensors = drawn(2, 70, 6)[:4]
    y = library.forward(*tensors)
    *inputs, batch, tokens, channels, _, output, device, stream = recorder.calls[0]
    assert inputs == [tensor.data_ptr() for tensor in tensors]
    assert (batch, tokens, channels, output, device, stream) == (2, 70, 6, y.data_ptr(), 3, 1003)


def test_errors_of_a_card_are_raised() -> None:
    library, _ = recording(error=46)
    with pytest.raises(RuntimeError, match="CUDA: error 46"):
        library.forward(*drawn(1, 5, 3)[:4])


def test_which_tensors_the_library_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    library, _ = recording()
    on_card = {
        dtype: SimpleNamespace(dtype=dtype, device=torch.device("cuda")) for dtype in (torch.float32, torch.float64)
    }
    monkeypatch.setattr(wkv_cuda, "library", lambda: library)
    assert wkv_torch._kernels_for(on_card[torch.float32]) is library
    assert wkv_torch._kernels_for(on_card[torch.float64]) is wkv_reference
    assert wkv_torch._kernels_for(torch.zeros(1)) is not library
    monkeypatch.setattr(wkv_cuda, "library", lambda: None)
    assert wkv_torch._kernels_for(on_card[torch.float32]) is wkv_reference


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
