"""Pretrained models of CompressAI, through its own API. Nothing is downloaded: weights must be where torch keeps them.

The file is the one of CompressAI's example codec: two bytes of model, metric and quality, picture size, bit depth,
latent shape, and the strings with their lengths.
"""

from __future__ import annotations

import struct
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.bench.codecs.base import Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels

_STRIDE = 64
_HEAD = struct.Struct(">BBIIBIII")


class CompressAi(Codec):
    """One architecture; the setting is the number of the model, one network each, the last one kept loaded."""

    def __init__(self, name: str, threads: int) -> None:
        try:
            import torch
            from compressai.zoo import image_models
            from compressai.zoo.image import model_urls
        except ImportError as error:
            raise Unavailable(f"CompressAI needs more: pip install compressai ({error})") from None
        if name not in model_urls:
            raise Unavailable(f"CompressAI has no model {name!r}; there are {', '.join(model_urls)}")
        urls = model_urls[name]["mse"]
        folder = Path(torch.hub.get_dir(), "checkpoints")
        there = tuple(sorted(quality for quality, url in urls.items() if (folder / Path(url).name).exists()))
        if not there:
            raise Unavailable(
                f"weights of CompressAI's {name} are not there: put {Path(urls[1]).name} and others into {folder}"
            )
        torch.set_num_threads(threads)
        self._torch: Any = torch
        self._make = image_models[name]
        self._loaded: tuple[int, Any] | None = None
        self.label = f"{name} (CompressAI)"
        self.version = f"compressai {version('compressai')}, torch {torch.__version__}"
        self.about = f"pretrained for MSE, models {', '.join(map(str, there))}, no GPU"
        self.settings = Settings(there, there[0], there[-1])

    def _network(self, quality: int) -> Any:
        if self._loaded is None or self._loaded[0] != quality:
            self._loaded = quality, self._make(quality=quality, metric="mse", pretrained=True).eval()
            self._loaded[1].update()
        return self._loaded[1]

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        height, width = pixels.shape[:2]
        x = self._torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float()[None] / 255
        x = self._torch.nn.functional.pad(x, _margins(height, width))
        with self._torch.inference_mode():
            found = self._network(int(setting)).compress(x)
        strings = [string[0] for string in found["strings"]]
        head = _HEAD.pack(0, int(setting), height, width, 8, *found["shape"], len(strings))
        return head + b"".join(struct.pack(">I", len(string)) + string for string in strings)

    def decode(self, data: bytes) -> Pixels:
        _, quality, height, width, _, rows, columns, count = _HEAD.unpack_from(data)
        strings, at = [], _HEAD.size
        for _ in range(count):
            (length,) = struct.unpack_from(">I", data, at)
            strings.append([data[at + 4 : at + 4 + length]])
            at += 4 + length
        with self._torch.inference_mode():
            x = self._network(quality).decompress(strings, (rows, columns))["x_hat"]
        left, right, top, bottom = (-margin for margin in _margins(height, width))
        x = self._torch.nn.functional.pad(x, (left, right, top, bottom))[0].clamp(0, 1)
        pixels: Pixels = (x * 255).round().to(self._torch.uint8).permute(1, 2, 0).contiguous().numpy()
        return pixels


def _margins(height: int, width: int) -> tuple[int, int, int, int]:
    """Left, right, top, bottom up to whole multiples of the stride, the picture in the middle."""
    across, down = -width % _STRIDE, -height % _STRIDE
    return across // 2, across - across // 2, down // 2, down - down // 2


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """`compressai:NAME`."""
    return CompressAi(variant, threads)
