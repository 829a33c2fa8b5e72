"""JPEG XL through imagecodecs. libjxl has one tuning, for visible differences (Butteraugli); it has none for PSNR."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcmcodec.bench.codecs.base import NOTHING_TO_SET, Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels

_EFFORT = {"": 7, "best": 9, "lossless": 7}
_DISTANCE = Settings((15, 10, 7, 4.5, 3, 2, 1.2, 0.7), 0.1, 25, 0.05)


class JpegXl(Codec):
    """JPEG XL at a fixed effort; the setting is the Butteraugli distance, 0 for no loss."""

    def __init__(self, variant: str, threads: int) -> None:
        try:
            import imagecodecs

            library = str(imagecodecs.jpegxl_version())
        except ImportError:
            raise Unavailable("JPEG XL needs imagecodecs: pip install 'hpcmcodec[bench]'") from None
        if not imagecodecs.JPEGXL.available:
            raise Unavailable("this imagecodecs has no JPEG XL: install another build of it")
        self._library: Any = imagecodecs
        self._options = {"effort": _EFFORT[variant], "numthreads": threads}
        self._threads = threads
        self.label = {"": "JPEG XL", "best": "JPEG XL effort 9", "lossless": "JPEG XL lossless"}[variant]
        self.version = f"imagecodecs {imagecodecs.__version__}, {library}"
        tuned = "no loss" if variant == "lossless" else "tuned for Butteraugli, not for PSNR: there is no such switch"
        self.about = f"effort {_EFFORT[variant]}, {tuned}"
        self.settings = NOTHING_TO_SET if variant == "lossless" else _DISTANCE

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        how: dict[str, Any] = {"lossless": True} if self.settings.lossless else {"distance": float(setting)}
        return bytes(self._library.jpegxl_encode(pixels, **how, **self._options))

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(self._library.jpegxl_decode(data, numthreads=self._threads))


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """`jxl`, `jxl:best` or `jxl:lossless`."""
    return JpegXl(variant, threads)
