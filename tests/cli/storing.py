"""A codec that stores pictures instead of coding them, and what a command line gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hpcmcodec.errors import CorruptError
from hpcmcodec.formats.container import SIGNATURE, Limits
from hpcmcodec.formats.pictures import Picture, encode_picture, read_picture
from hpcmcodec.formats.samples import Samples, samples_of
from hpcmcodec.kernels.decode import File

MARK = SIGNATURE + b"stored:"  # files that do not begin like ours are not read


class StoringEncoder:
    """Stands for `Encoder`: its files are a mark and a PNG. Quality below 10 flips a sample, as a bug would alpha."""

    def __init__(
        self,
        model: str | None = None,
        threads: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        pass

    def admit(self, height: int, width: int) -> None:
        pass

    def encode(
        self, picture: Picture, quality: int = 50, *, effort: int = 0, near_lossless: int | None = None
    ) -> bytes:
        blocks = {"icc": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
        alpha = picture.alpha
        if alpha is not None and quality < 10:
            alpha = alpha ^ 1
        return MARK + encode_picture(Picture(picture.pixels, alpha, **blocks), "png")[0]


class StoringDecoder:
    """Stands for `Decoder`."""

    def __init__(self, threads: int | None = None, limits: Limits | None = None, model: str | None = None) -> None:
        self.limits = Limits()

    def decode(self, data: bytes, region: None = None, *, allow_truncated: bool = False, scale: int = 1) -> Picture:
        if not data.startswith(MARK):
            raise CorruptError("a chunk is damaged (checksum mismatch)")
        return read_picture(data[len(MARK) :])

    def samples(self, data: bytes, region: None = None, *, allow_truncated: bool = False, scale: int = 1) -> Samples:
        return samples_of(self.decode(data))

    def open(self, data: bytes, *, allow_truncated: bool = False) -> File:
        return File(data, self.limits.max_pixels, self.limits.max_metadata, allow_truncated=allow_truncated)


@dataclass(frozen=True)
class Outcome:
    """What a command line gave."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Hpcm = Callable[..., Outcome]
