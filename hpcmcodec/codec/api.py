"""What users call: two functions, and two classes that keep models loaded between pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PIL import Image

from hpcmcodec.codec import decoder as _decoder
from hpcmcodec.codec import encoder as _encoder
from hpcmcodec.codec.coded import FileLike, as_bytes
from hpcmcodec.codec.encoder import DEFAULT_QUALITY
from hpcmcodec.codec.refine import DEFAULT_EFFORT
from hpcmcodec.codec.sources import ImageLike, as_near, as_picture, as_quality
from hpcmcodec.codec.target import VISUALLY_LOSSLESS, Target
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.container import Limits
from hpcmcodec.formats.pictures import picture_to_image
from hpcmcodec.formats.strip import Strip, stripped
from hpcmcodec.kernels.decode import Region

Model = str | os.PathLike[str] | None


def encode(
    image: ImageLike,
    quality: float | None = None,
    *,
    model: Model = None,
    effort: int = DEFAULT_EFFORT,
    lossless: bool = False,
    near_lossless: int | None = None,
    visually_lossless: bool = False,
) -> bytes:
    """Code one picture; see `Encoder` for many.

    image: a PIL image, a uint8 or uint16 array (H, W) or (H, W, 1 | 3 | 4), a path, the bytes of an image file, or an
    open binary file. quality: 1 (smallest) .. 100 (best), of any kind of number; default 50. model: name or path, None
    for the default. effort: 0 (fastest) .. 9 (smallest file for what it shows); of lossless files, 1 to 9 are
    the same. lossless: the very picture, in a file
    that needs no model; near_lossless: no sample of colour differs by more than this, 1 to 255. With a quality as well,
    the learned picture of that quality comes first in the file, what makes it exact on top: larger, for readers that
    stop early. visually_lossless: the least quality at which nobody should see a difference (SSIMULACRA2 of at least
    90), or nearly exact where no quality does. Graphics are coded exactly at any quality where that is the better
    bargain.
    Raises InputError for a picture that cannot be read, UsageError for a number out of range.

    >>> small, good = encode("photo.png", 10), encode("photo.png", 90)
    >>> len(small) < len(good)
    True
    """
    near = as_near(lossless, near_lossless)
    if near is not None and quality is None:
        return _encoder.encode_exactly(as_picture(image), near, effort=effort)
    return Encoder(model).encode(image, quality, effort=effort, near_lossless=near, visually_lossless=visually_lossless)


def decode(file: FileLike, *, allow_truncated: bool = False, scale: int = 1) -> Image.Image:
    """The picture of an hpc file as a PIL image, with its ICC profile, EXIF and XMP in `info`. Errors as `Decoder`.

    file: its path, its bytes, or the open file. allow_truncated: decode what is there of a file whose end is missing.
    scale: 2, 4 or 8 for a small picture of a half, a quarter or an eighth of the sides, in less time.

    >>> data = encode(Image.new("L", (30, 20)))
    >>> image = decode(data)
    >>> image.mode, image.size
    ('L', (30, 20))
    """
    return Decoder().decode(file, allow_truncated=allow_truncated, scale=scale)


class Encoder:
    """Codes pictures with one model. Safe to share between threads; can be copied and pickled.

    model: a name, a path, or None for the default. threads: of the kernels' pool, None leaves it as it is.
    limits: what to refuse.

    >>> encoder = Encoder()
    >>> files = [encoder.encode("photo.png", quality) for quality in (20, 80)]
    """

    def __init__(self, model: Model = None, threads: int | None = None, limits: Limits | None = None) -> None:
        self._made_of = (model, threads, limits)
        self.core = _encoder.Encoder(_plain(model), threads, limits)

    def encode(
        self,
        image: ImageLike,
        quality: float | None = None,
        *,
        strip: Strip = False,
        lossless: bool = False,
        near_lossless: int | None = None,
        visually_lossless: bool = False,
        **options: Any,
    ) -> bytes:
        """The bytes of an hpc file. image, quality, lossless, near_lossless, visually_lossless: as `encode` takes
        them. strip: leave metadata out, True for all or kinds of "icc", "exif", "xmp"; without its ICC profile a
        picture is converted to sRGB. options: tile_size (pixels, 0 for one tile), effort (0..9). Errors as `encode`."""
        near, picture = as_near(lossless, near_lossless), stripped(as_picture(image), strip)
        if visually_lossless:
            if near is not None or quality is not None:
                raise UsageError("visually_lossless chooses for itself: leave quality, lossless and near_lossless out")
            return self.core.encode_to(picture, Target(ssimulacra2=VISUALLY_LOSSLESS), **options).data
        if near is not None and quality is None:
            return _encoder.encode_exactly(picture, near, limits=self.core.limits, **options)
        chosen = as_quality(DEFAULT_QUALITY if quality is None else quality)
        return self.core.encode(picture, chosen, near_lossless=near, **options)

    def encode_to(
        self, image: ImageLike, target: Target, *, strip: Strip = False, nearest: bool = False, **options: Any
    ) -> bytes:
        """The bytes of an hpc file that meets a target: see `Target`. nearest: where a size cannot be met, the smallest
        file instead of an error. Raises UsageError if nothing meets it or the model has but one quality, else as
        `encode`."""
        reached = self.core.encode_to(stripped(as_picture(image), strip), target, **options)
        if reached.missed and not nearest:
            raise UsageError(reached.missed)
        return reached.data

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of


class Decoder:
    """Decodes pictures; models stay loaded between pictures. Safe to share between threads; can be copied and pickled.

    threads: of the kernels' pool, None leaves it as it is. limits: what to refuse.

    >>> decoder = Decoder()
    >>> decoder.decode(encode("photo.png"), region=(8, 4, 20, 10)).size
    (20, 10)
    """

    def __init__(self, threads: int | None = None, limits: Limits | None = None) -> None:
        self._made_of = (threads, limits)
        self.core = _decoder.Decoder(threads, limits)

    @property
    def limits(self) -> Limits:
        """What is refused."""
        return self.core.limits

    def decode(
        self, file: FileLike, region: Region | None = None, *, allow_truncated: bool = False, scale: int = 1
    ) -> Image.Image:
        """As `decode`. region: (left, top, width, height) in pixels, the rectangle that is wanted."""
        picture = self.core.decode(as_bytes(file), region, allow_truncated=allow_truncated, scale=scale)
        return picture_to_image(picture)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of


def _plain(model: Model) -> Any:
    """A path object as pathlib's, which is how the store tells paths from names."""
    return Path(model) if isinstance(model, os.PathLike) else model
