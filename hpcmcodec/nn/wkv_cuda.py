"""The WKV kernels for graphics cards: a plain shared library that is handed addresses and a stream.

It exists where nvcc was there when the package was built (setup.py); without it, tensors on cards use plain torch. The
forward pass gives the bits of the processor's kernels.
"""

from __future__ import annotations

import ctypes
import functools
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

LIBRARY = "libhpcm_cuda.so"
"""Beside the processor's kernels."""


class Library:
    """The functions of a compiled kernels/cuda/wkv.cu on float32 tensors of a card. OSError if it cannot be loaded."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        sizes = [ctypes.c_int64, ctypes.c_int, ctypes.c_int]
        for name, inputs, outputs in (("forward", 4, 1), ("backward", 5, 4)):
            scratch = getattr(self._library, f"hpcm_wkv_{name}_scratch")
            scratch.argtypes, scratch.restype = sizes, ctypes.c_int64
            function = getattr(self._library, f"hpcm_wkv_{name}")
            pointers = [ctypes.c_void_p] * (1 + outputs)  # scratch memory before the outputs
            function.argtypes = [ctypes.c_void_p] * inputs + sizes + pointers + [ctypes.c_int, ctypes.c_void_p]
            function.restype = ctypes.c_int
        self._library.hpcm_error_text.restype = ctypes.c_char_p

    def forward(self, w: Tensor, u: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """w, u (C,), k, v (B, T, C) -> (B, T, C), on the current stream. RuntimeError for a CUDA error."""
        y = torch.empty(k.shape, dtype=k.dtype, device=k.device)
        self._call("forward", (w, u, k, v), (y,))
        return y

    def backward(self, w: Tensor, u: Tensor, k: Tensor, v: Tensor, gy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """And gy (B, T, C) -> the gradients of w, u, k, v."""
        gw, gu, gk, gv = (torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in (w, u, k, v))
        self._call("backward", (w, u, k, v, gy), (gw, gu, gk, gv))
        return gw, gu, gk, gv

    def _call(self, name: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        inputs = tuple(x.detach().contiguous() for x in inputs)
        k = inputs[2]
        needed = getattr(self._library, f"hpcm_wkv_{name}_scratch")(*k.shape)
        scratch = torch.empty(needed, dtype=torch.float32, device=k.device)
        device, stream = _place(k)
        before, after = ([x.data_ptr() for x in tensors] for tensors in (inputs, (scratch, *outputs)))
        error = getattr(self._library, f"hpcm_wkv_{name}")(*before, *k.shape, *after, device, stream)
        if error:
            raise RuntimeError(f"CUDA: {self._library.hpcm_error_text(error).decode()}")


def _place(x: Tensor) -> tuple[int, Any]:
    """Card and stream; of a processor's tensor, which the emulation takes, neither."""
    if x.device.type != "cuda":
        return 0, None
    return x.get_device(), torch.cuda.current_stream(x.device).cuda_stream


@functools.cache
def library() -> Library | None:
    """The library that was built with the package, None if there is none or it cannot be loaded."""
    try:
        from hpcmcodec import kernels
    except ImportError:  # a bare source tree
        return None
    path = Path(kernels.__file__).with_name(LIBRARY)
    if not path.exists():
        return None
    try:
        return Library(path)
    except OSError as error:
        warnings.warn(f"the CUDA kernels cannot be loaded, plain torch is used: {error}", stacklevel=2)
        return None
