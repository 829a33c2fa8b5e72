"""Looking into a file: what it says of itself, and whether it decodes to what was encoded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from hpcmcodec import __version__
from hpcmcodec.codec.decoder import Decoder
from hpcmcodec.errors import HpcmError, MissingModelError
from hpcmcodec.formats import container
from hpcmcodec.formats.header import MAX_SIDE


@dataclass(frozen=True)
class Info:
    """What a file says of itself; sizes in bytes."""

    width: int
    height: int
    channels: int
    bit_depth: int
    has_alpha: bool
    model: str
    model_id: str
    quality: float | None
    tile_size: int
    tiles: int
    size: int
    bits_per_pixel: float
    streams: dict[str, int]
    overhead: int
    metadata: dict[str, int]
    truncated: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class VerifyReport:
    """Outcome of `verify`. `problem` is the first thing wrong, in one line, with `exit_code` its kind."""

    checksums: bool
    model_found: bool
    decodes: bool
    problem: str | None = None
    exit_code: int = 0
    version: str = field(default=__version__)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return self.problem is None

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {"ok": self.ok, **asdict(self)}


def info(data: bytes | memoryview) -> Info:
    """What an hpc file says of itself, however many pixels. Needs no model and decodes nothing.

    Raises NotHpcError, CorruptError or UnsupportedVersionError; a truncated file is described as far as it goes.

    >>> from hpcmcodec import encode
    >>> about = info(encode("photo.png", quality=30))
    >>> about.width, about.height, about.channels, about.quality
    (64, 48, 1, 30)
    """
    file = container.read(data, container.Limits(max_pixels=MAX_SIDE**2), allow_truncated=True)
    header = file.header
    tiles = [file.tile(i) for i in range(file.tiles_present)]
    streams = {
        f"latent{i}" if i else "hyper": sum(len(t.streams[i]) for t in tiles if i < len(t.streams))
        for i in range(header.streams)
    }
    metadata = {"icc": file.icc, "exif": file.exif, "xmp": file.xmp}
    return Info(
        width=header.width,
        height=header.height,
        channels=header.channels,
        bit_depth=header.bit_depth,
        has_alpha=file.alpha is not None,
        model=header.model_name,
        model_id=header.model_id.hex(),
        quality=header.quality,
        tile_size=header.tile_size,
        tiles=header.tiles,
        size=len(data),
        bits_per_pixel=8 * len(data) / (header.width * header.height),
        streams=streams,
        overhead=file.overhead,
        metadata={name: len(value) for name, value in metadata.items() if value},
        truncated=file.truncated,
    )


def verify(data: bytes | memoryview, decoder: Decoder | None = None) -> VerifyReport:
    """Check everything in a file: structure, checksums, model, and that its latents decode to the encoder's.

    Never raises for a bad file: the report says what is wrong. decoder: to reuse loaded models.

    >>> from hpcmcodec import encode
    >>> data = encode("photo.png")
    >>> verify(data).ok
    True
    >>> report = verify(data[:-1])
    >>> report.ok, report.exit_code
    (False, 11)
    """
    decoder = decoder or Decoder()
    checksums = model_found = False
    try:
        file = container.read(data, decoder.limits)
        file.verify()
        checksums = True
        decoder.model_of(file.header)
        model_found = True
        decoder.decode(data)
    except HpcmError as error:
        found = model_found or (not isinstance(error, MissingModelError) and checksums)
        return VerifyReport(checksums, found, False, str(error), error.exit_code)
    return VerifyReport(True, True, True)
