"""JPEG, PNG, WebP, AVIF and JPEG 2000 as Pillow offers them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL
from PIL import AvifImagePlugin, Image, features

from hpcmcodec.bench.codecs.base import NOTHING_TO_SET, Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels

_JPEG = Settings((5, 10, 20, 35, 50, 65, 80, 90, 95), 1, 95)
_WEBP = Settings((1, 10, 30, 50, 70, 85, 95), 0, 100)
_AVIF = Settings((15, 25, 40, 55, 70, 85, 93), 0, 100)
_J2K = Settings((0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.4), 0.05, 12, 0.01)
"""Bits per pixel that the rate control aims at."""


@dataclass(frozen=True)
class _Variant:
    format: str
    feature: str
    label: str
    about: str
    settings: Settings
    options: dict[str, Any] = field(default_factory=dict)


_VARIANTS = {
    ("jpeg", ""): _Variant(
        "JPEG", "jpg", "JPEG", "optimised Huffman tables, 4:2:0", _JPEG, {"optimize": True, "subsampling": "4:2:0"}
    ),
    ("jpeg", "444"): _Variant(
        "JPEG", "jpg", "JPEG 4:4:4", "optimised, 4:4:4", _JPEG, {"optimize": True, "subsampling": "4:4:4"}
    ),
    ("png", ""): _Variant("PNG", "zlib", "PNG", "no loss, zlib level 9", NOTHING_TO_SET, {"compress_level": 9}),
    ("webp", ""): _Variant("WEBP", "webp", "WebP", "method 4 (default)", _WEBP, {"method": 4}),
    ("webp", "best"): _Variant("WEBP", "webp", "WebP method 6", "method 6 (slowest)", _WEBP, {"method": 6}),
    ("webp", "lossless"): _Variant(
        "WEBP",
        "webp",
        "WebP lossless",
        "no loss, method 6, quality 100 (slowest)",
        NOTHING_TO_SET,
        {"lossless": True, "quality": 100, "method": 6},
    ),
    ("avif", ""): _Variant("AVIF", "avif", "AVIF", "4:2:0, speed 6, the library's own tuning (all defaults)", _AVIF),
    ("avif", "444"): _Variant(
        "AVIF", "avif", "AVIF 4:4:4", "4:4:4, speed 6, the library's own tuning", _AVIF, {"subsampling": "4:4:4"}
    ),
    ("avif", "psnr"): _Variant(
        "AVIF",
        "avif",
        "AVIF for PSNR",
        "4:4:4, speed 6, tune=psnr",
        _AVIF,
        {"subsampling": "4:4:4", "advanced": {"tune": "psnr"}},
    ),
    ("avif", "best"): _Variant(
        "AVIF",
        "avif",
        "AVIF for PSNR, slow",
        "4:4:4, speed 3, tune=psnr",
        _AVIF,
        {"subsampling": "4:4:4", "speed": 3, "advanced": {"tune": "psnr"}},
    ),
    ("j2k", ""): _Variant(
        "JPEG2000",
        "jpg_2000",
        "JPEG 2000",
        "irreversible wavelet, colour transform, one quality layer",
        _J2K,
        {"irreversible": True, "mct": 1, "quality_mode": "rates", "no_jp2": True},
    ),
}


class PillowCodec(Codec):
    """One format of Pillow's with its options."""

    def __init__(self, variant: _Variant, threads: int) -> None:
        if not features.check(variant.feature):
            raise Unavailable(f"this Pillow has no {variant.label}: install another build of it")
        self._variant = variant
        self.label, self.about, self.settings = variant.label, variant.about, variant.settings
        library = "libjpeg_turbo" if variant.format == "JPEG" else variant.feature
        self.version = f"Pillow {PIL.__version__}, {library} {features.version(library)}"
        self._options = dict(variant.options)
        if variant.format == "AVIF":
            self._options["max_threads"] = threads
            AvifImagePlugin.DEFAULT_MAX_THREADS = threads

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        buffer = io.BytesIO()
        quality: dict[str, Any]
        if self.settings.lossless:
            quality = {}
        elif self._variant.format == "JPEG2000":
            quality = {"quality_layers": [24 / setting]}
        else:
            quality = {"quality": int(setting)}
        Image.fromarray(pixels).save(buffer, self._variant.format, **quality, **self._options)
        return buffer.getvalue()

    def decode(self, data: bytes) -> Pixels:
        with Image.open(io.BytesIO(data), formats=[self._variant.format]) as image:
            return np.asarray(image.convert("RGB"))


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """Codec of `KINDS`. Raises Unavailable if Pillow was built without the library."""
    return PillowCodec(_VARIANTS[kind, variant], threads)
