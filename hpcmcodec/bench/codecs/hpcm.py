"""This codec. Encoding times entropy coding apart, by a model whose coder keeps the time; decoding is one call into the
core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from hpcmcodec import __version__, kernels
from hpcmcodec.bench.codecs.base import NOTHING_TO_SET, Codec, Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.refine import DEFAULT_EFFORT, LEVELS
from hpcmcodec.entropy.coder import EntropyCoder
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
        self._clock = _Clock()
        timed: Any = _TimedCoder(found.coder, self._clock)
        self._encoder.model = replace(found, coder=timed)
        self._decoder.add(self._encoder.model)
        self._effort = effort
        more = f", effort {effort}" if effort != DEFAULT_EFFORT else ""
        self.label = f"hpcm {found.name}{more}"
        self.version = f"hpcmcodec {__version__}, {found.name} {found.identity.hex()}{more}"
        rate = "variable rate" if found.network.rate == "variable" else "one rate"
        self.about = f"model {found.name}, {rate}{more}, {kernels.simd_level()}"
        self.settings = _VARIABLE if found.network.rate == "variable" else _FIXED

    def encode(self, pixels: Pixels, setting: float) -> bytes:
        self._clock.seconds = 0.0
        return self._encoder.encode(Picture(pixels), int(setting), effort=self._effort)

    def decode(self, data: bytes) -> Pixels:
        self._clock.seconds = None
        return np.asarray(self._decoder.decode(data).pixels)

    def entropy_seconds(self) -> float | None:
        return self._clock.seconds


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


class _Clock:
    """Sums the time of the calls that go through it."""

    def __init__(self) -> None:
        self.seconds: float | None = None

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments)
        self.seconds = (self.seconds or 0.0) + time.perf_counter() - start
        return result


class _TimedCoder:
    """Stands for an EntropyCoder: streams keep the time, the encoder's choice of symbols counts as the network's."""

    def __init__(self, coder: EntropyCoder, clock: _Clock) -> None:
        self.bits, self.quantise, self.has_trellis = coder.bits, coder.quantise, coder.has_trellis
        self._coder, self._clock = coder, clock

    def encoder(self) -> _TimedStream:
        return _TimedStream(self._coder.encoder(), self._clock)

    def decoder(self, data: bytes) -> _TimedStream:
        return _TimedStream(self._clock(self._coder.decoder, data), self._clock)


class _TimedStream:
    """Stands for a StreamEncoder or a StreamDecoder."""

    def __init__(self, stream: Any, clock: _Clock) -> None:
        self._stream, self._clock = stream, clock

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._stream, name)
        return lambda *arguments: self._clock(method, *arguments)


def open_codec(kind: str, variant: str, threads: int) -> Codec:
    """`hpcm`, `hpcm:MODEL`, `hpcm:@EFFORT`, `hpcm:MODEL@EFFORT` or `hpcm:lossless`."""
    if variant == _LOSSLESS:
        return ExactCodec(threads)
    model, at, effort = variant.partition("@")
    if at and not (effort.isdecimal() and int(effort) < len(LEVELS)):
        raise Unavailable(f"there is no effort {effort!r}: choose 0 to {len(LEVELS) - 1}")
    return HpcmCodec(model or None, threads, int(effort) if at else DEFAULT_EFFORT)
