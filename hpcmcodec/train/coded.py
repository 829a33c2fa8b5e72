"""Real files of a network in training: what likelihood bits leave out (stored weights, tables, headers) is in them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .state import State


def coded_bytes(state: State, crops: torch.Tensor, qualities: Sequence[float]) -> list[dict[str, float]] | None:
    """Bits per pixel of whole files and PSNR of the decoded pictures, means over crops (N, 3, H, W) uint8, by quality.

    The model is exported and loaded as users will do it. None where the codec is not installed (a bare source tree).
    """
    try:
        from hpcmcodec.codec import Decoder, Encoder
        from hpcmcodec.formats.pictures import Picture
        from hpcmcodec.models.export import export_model
    except ImportError:
        return None
    pictures = [crop.permute(1, 2, 0).contiguous().numpy() for crop in crops.cpu()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "validation.safetensors"
        arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in state.model.tensors().items()}
        export_model(path, "validation", state.network.config, arrays, distribution=state.network.distribution)
        encoder, decoder = Encoder(path), Decoder()
        decoder.add(encoder.model)
        return [_point(encoder, decoder, [Picture(p) for p in pictures], quality) for quality in qualities]


def _point(encoder: Any, decoder: Any, pictures: list[Any], quality: float) -> dict[str, float]:
    bits, psnr = [], []
    for picture in pictures:
        data = encoder.encode(picture, quality=min(100, max(1, round(1 + 99 * quality))))
        error = (decoder.decode(data).pixels.astype(np.float64) - picture.pixels) ** 2
        bits.append(8 * len(data) / (picture.pixels.shape[0] * picture.pixels.shape[1]))
        psnr.append(10 * np.log10(255**2 / max(error.mean(), 1e-6)))
    return {"quality": quality, "bpp": round(float(np.mean(bits)), 5), "psnr": round(float(np.mean(psnr)), 5)}
