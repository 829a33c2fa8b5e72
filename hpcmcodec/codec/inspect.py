"""Looking into a file: what it says of itself, and whether it decodes to what was encoded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from hpcmcodec import __version__
from hpcmcodec.codec.coded import FileLike, as_bytes
from hpcmcodec.codec.decoder import Decoder
from hpcmcodec.errors import HpcmError, MissingModelError
from hpcmcodec.formats.limits import MAX_SIDE, Limits

if TYPE_CHECKING:
    from hpcmcodec.codec import api  # which loads the encoder as well


@dataclass(frozen=True)
class Info:
    """What a file says of itself; sizes in bytes. model, model_id: None where decoding needs none. most_error: no
    sample differs by more from the source, 0 is lossless, None: nothing is promised. exact_tiles: how many there are
    alone, on top of the learned picture, and of alpha. cicp: H.273's numbers of primaries, transfer, and full range (1)
    or not, None where the file does not say."""

    width: int
    height: int
    channels: int
    bit_depth: int
    has_alpha: bool
    model: str | None
    model_id: str | None
    quality: float | None
    tile_size: int
    tiles: int
    size: int
    bits_per_pixel: float
    streams: dict[str, int]
    overhead: int
    metadata: dict[str, int]
    truncated: bool
    most_error: int | None
    exact_tile_size: int
    exact_tiles: dict[str, int]
    cicp: tuple[int, int, int] | None = None

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


def info(file: FileLike) -> Info:
    """What an hpc file says of itself, however many pixels. Needs no model and decodes nothing.

    file: its path, its bytes or the open file; a truncated one is described as far as it goes. Raises InputError,
    NotHpcError, CorruptError or UnsupportedVersionError.

    >>> from hpcmcodec import encode
    >>> about = info(encode("photo.png", quality=30))
    >>> about.width, about.height, about.channels, about.quality
    (64, 48, 1, 30)
    """
    data = as_bytes(file)
    found = Decoder(limits=Limits(max_pixels=MAX_SIDE**2)).open(data, allow_truncated=True)
    contents = found.contents()
    streams = {f"latent{i}" if i else "hyper": size for i, size in enumerate(contents.streams)}
    exact = {"alone": contents.alone, "on top": contents.on_top, "alpha": contents.alpha}
    if contents.exact_tiles:
        streams["exact"] = contents.exact
    metadata = {"icc": found.icc, "exif": found.exif, "xmp": found.xmp}
    return Info(
        width=found.width,
        height=found.height,
        channels=found.channels,
        bit_depth=found.bit_depth,
        has_alpha=found.has_alpha,
        model=found.model_name or None,
        model_id=found.model_id.hex() or None,
        quality=found.quality,
        tile_size=found.tile_size,
        tiles=found.tiles,
        size=len(data),
        bits_per_pixel=8 * len(data) / (found.width * found.height),
        streams=streams,
        overhead=len(data) - sum(streams.values()),
        metadata={name: len(value) for name, value in metadata.items() if value},
        truncated=found.truncated,
        most_error=found.most_error,
        exact_tile_size=found.exact_tile_size,
        exact_tiles={name: count for name, count in exact.items() if count},
        cicp=found.cicp,
    )


def verify(file: FileLike, decoder: api.Decoder | None = None) -> VerifyReport:
    """Check everything in a file: structure, checksums, model, and that its latents decode to the encoder's.

    Never raises for a bad file: the report says what is wrong. file: its path, its bytes or the open file, InputError
    if it cannot be read. decoder: to reuse loaded models.

    >>> from hpcmcodec import encode
    >>> data = encode("photo.png")
    >>> verify(data).ok
    True
    >>> report = verify(data[:-1])
    >>> report.ok, report.exit_code
    (False, 11)
    """
    return check(as_bytes(file), Decoder() if decoder is None else decoder.core)


def check(data: bytes | memoryview, decoder: Decoder) -> VerifyReport:
    """As `verify`, of bytes and with the inner decoder."""
    checksums = model_found = False
    try:
        found = decoder.open(data)
        found.verify()
        checksums = True
        if found.learned:
            decoder.model_of(found)
        model_found = True
        decoder.samples(data)
    except HpcmError as error:
        known = model_found or (not isinstance(error, MissingModelError) and checksums)
        return VerifyReport(checksums, known, False, str(error), error.exit_code)
    return VerifyReport(True, True, True)
