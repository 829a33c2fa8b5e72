"""JPEG XL through imagecodecs. libjxl has one tuning, for visible differences (Butteraugli); it has none for PSNR."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcmcodec.bench.codecs.base import Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels

_EFFORT = {"": 7, "best": 9}
_DISTANCE = Settings((15, 10, 7, 4.5, 3, 2, 1.2, 0.7), 0.1, 25, 0.05)


class JpegXl(Codec):
    """Lossy JPEG XL at a fixed effort; the setting is the Butteraugli distance."""

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
        self.label = "JPEG XL effort 9" if variant else "JPEG XL"
        self.version = f"imagecodecs {imagecodecs.__version__}, {library}"
        self.about = f"effort {_EFFORT[variant]}, tuned for Butteraugli, not for PSNR: there is no such switch"
        self.settings = _DISTANCE

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        return bytes(self._library.jpegxl_encode(pixels, distance=float(setting), **self._options))

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(self._library.jpegxl_decode(data, numthreads=self._threads))


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """`jxl` or `jxl:best`."""
    return JpegXl(variant, threads)
