"""This codec. Encoding tells the time of entropy coding apart; decoding is one call into the core."""

from __future__ import annotations

import numpy as np

from hpcmcodec import __version__, kernels
from hpcmcodec.bench.codecs.base import NOTHING_TO_SET, Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.refine import DEFAULT_EFFORT, LEVELS
from hpcmcodec.errors import HpcmError
from hpcmcodec.formats.pictures import Picture

_VARIABLE = Settings((1, 12, 25, 38, 50, 62, 75, 88, 100), 1, 100)
_FIXED = Settings((50,), 50, 50)
"""For models of one rate, which ignore the quality."""
_LOSSLESS = "lossless"


class HpcmCodec(Codec):
    """A model of ours, encoding with an effort. Raises Unavailable if it is not there."""

    def __init__(self, model: str | None, threads: int, effort: int = DEFAULT_EFFORT) -> None:
        try:
            self._encoder, self._decoder = Encoder(model, threads=threads), Decoder()
        except HpcmError as error:
            raise Unavailable(str(error)) from error
        found = self._encoder.model
        self._decoder.add(found)
        self._coding_seconds: float | None = None
        self._effort = effort
        more = f", effort {effort}" if effort != DEFAULT_EFFORT else ""
        self.label = f"hpcm {found.name}{more}"
        self.version = f"hpcmcodec {__version__}, {found.name} {found.identity.hex()}{more}"
        rate = "variable rate" if found.network.rate == "variable" else "one rate"
        self.about = f"model {found.name}, {rate}{more}, {kernels.simd_level()}"
        self.settings = _VARIABLE if found.network.rate == "variable" else _FIXED

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        tiles = self._encoder.model.tiles
        before = tiles.coding_seconds
        data = self._encoder.encode(Picture(pixels), int(setting), effort=self._effort)
        self._coding_seconds = tiles.coding_seconds - before
        return data

    def decode(self, data: bytes) -> Pixels:
        self._coding_seconds = None
        return np.asarray(self._decoder.decode(data).pixels)

    def entropy_seconds(self) -> float | None:
        return self._coding_seconds


class ExactCodec(Codec):
    """Our pictures without loss, which take no model."""

    label, about, settings = "hpcm lossless", "no loss", NOTHING_TO_SET

    def __init__(self, threads: int) -> None:
        kernels.set_threads(threads)
        self.version = f"hpcmcodec {__version__}"
        self._decoder = Decoder()

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        return encode_exactly(Picture(pixels))

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(self._decoder.decode(data).pixels)


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """`hpcm`, `hpcm:MODEL`, `hpcm:@EFFORT`, `hpcm:MODEL@EFFORT` or `hpcm:lossless`."""
    if variant == _LOSSLESS:
        return ExactCodec(threads)
    model, at, effort = variant.partition("@")
    if at and not (effort.isdecimal() and int(effort) < len(LEVELS)):
        raise Unavailable(f"there is no effort {effort!r}: choose 0 to {len(LEVELS) - 1}")
    return HpcmCodec(model or None, threads, int(effort) if at else DEFAULT_EFFORT)
