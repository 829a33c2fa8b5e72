"""hpc files in Pillow, after `import hpcmcodec.pillow_plugin`.

    >>> import hpcmcodec.pillow_plugin
    >>> Image.open("photo.png").save("photo.hpc")
    >>> with Image.open("photo.hpc") as image:  # reads header and metadata; pixels are decoded at first use
    ...     image.save("copy.hpc", quality=80, exif=image.getexif())

`Image.open` gives mode L, LA, RGB or RGBA. It raises what Pillow's users expect: UnidentifiedImageError where a file is
not hpc or its structure is broken, DecompressionBombError beyond `Image.MAX_IMAGE_PIXELS`, and, when the pixels are
wanted, OSError for data that are damaged, cut off, or coded with a model that is not installed.

`save` takes quality (1..100, default 50), effort (0..9), model (name or path), icc_profile (default: the image's own),
exif (bytes or `Image.Exif`) and xmp (bytes); as with Pillow's own formats, exif and xmp are kept only where they are
passed. An hpc file is upright: where the exif given has an orientation, the picture is turned and the orientation set
to normal.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, ImageFile

from hpcmcodec.errors import HpcmError, UsageError
from hpcmcodec.formats.limits import SIGNATURE, Limits
from hpcmcodec.formats.picture_output import picture_to_image

if TYPE_CHECKING:
    from hpcmcodec.codec import Decoder
    from hpcmcodec.codec.api import Encoder
    from hpcmcodec.kernels.decode import File

FORMAT, SUFFIX, MIME = "HPC", ".hpc", "image/x-hpc"
MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr")
"""Modes that `save` takes: those of 8 bits that grey or RGB can hold."""
_OPTIONS = ("quality", "effort", "lossless", "near_lossless", "visually_lossless")
"""Of `save`, as hpcmcodec.encode has them."""
_UNLIMITED = 2**60  # of pixels: Pillow has its own limit


class HpcImageFile(ImageFile.ImageFile):
    """An opened hpc file."""

    format = FORMAT
    format_description = "HPCM learned image codec"
    _data: bytes = b""  # the file, until it is decoded

    def _open(self) -> None:
        assert self.fp is not None
        self._data = self.fp.read()
        file = _structure(self._data)
        self._size = file.width, file.height
        self._mode = ("L" if file.channels == 1 else "RGB") + ("A" if file.has_alpha else "")
        for name, key in (("icc", "icc_profile"), ("exif", "exif"), ("xmp", "xmp")):
            block = _metadata(file, name)
            if block:
                self.info[key] = block
        self.info["quality"] = file.quality
        self.info["model"] = file.model_name

    def load(self) -> Any:
        """Decodes the picture, once. Raises OSError if it cannot be."""
        if self._data:
            try:
                decoded = picture_to_image(_decoder().samples(self._data))
            except HpcmError as error:
                raise OSError(f"cannot decode this hpc file: {error}") from error
            self.im = decoded.im
            self._mode = decoded.mode
            self._data, self.readonly = b"", 0
            if getattr(self, "_exclusive_fp", False) and self.fp is not None:
                self.fp.close()
            self.fp = None
        return super().load()

    def verify(self) -> None:
        """Compares all checksums. Raises OSError where one is wrong; like Pillow's, it leaves the image unusable."""
        if not self._data:  # decoded, and so compared, already
            super().verify()
            return
        try:
            _decoder().open(self._data).verify()
        except HpcmError as error:
            raise OSError(f"this hpc file is damaged: {error}") from error
        super().verify()


def _structure(data: bytes) -> File:
    """The chunks of a file, whose end may be missing: Pillow opens such files and complains at `load`."""
    try:
        return _decoder().open(data, allow_truncated=True)
    except HpcmError as error:
        raise SyntaxError(str(error)) from error  # by which Image.open knows that this is not the right plugin


def _metadata(file: File, name: str) -> bytes | None:
    """A block of metadata; one that is damaged is passed over here, `load` finds the damage again."""
    try:
        block: bytes | None = getattr(file, name)
    except HpcmError:
        return None
    return block


def save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """What `Image.save` calls. Raises ValueError for a bad quality, OSError for all that cannot be written."""
    if image.mode not in MODES:
        raise OSError(f"cannot write mode {image.mode} as {FORMAT}")
    from hpcmcodec.codec.api import encode
    from hpcmcodec.formats.picture_input import picture_from_image

    given: dict[str, Any] = image.encoderinfo
    try:
        picture = picture_from_image(_with_metadata(image, given), max_pixels=_UNLIMITED)
        chosen = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
        if "quality" in chosen or not (chosen.get("lossless") or "near_lossless" in chosen):
            data = _encoder(given.get("model")).encode(picture, **chosen)
        else:
            data = encode(picture, **chosen)  # which needs no model
        file.write(data)
    except (UsageError, TypeError) as error:
        raise ValueError(str(error)) from error
    except HpcmError as error:
        raise OSError(f"cannot write this picture as {FORMAT}: {error}") from error


def _with_metadata(image: Image.Image, given: dict[str, Any]) -> Image.Image:
    """A copy whose only metadata are those to be written."""
    icc = given.get("icc_profile", image.info.get("icc_profile"))
    exif = given.get("exif")
    blocks = {
        "icc_profile": icc,
        "exif": exif.tobytes() if isinstance(exif, Image.Exif) else exif,
        "xmp": given.get("xmp"),
    }
    copy = image.copy()
    copy.info = {name: block for name, block in blocks.items() if block}
    if "transparency" in image.info:
        copy.info["transparency"] = image.info["transparency"]
    return copy


@lru_cache(1)
def _decoder() -> Decoder:
    from hpcmcodec.codec import Decoder

    return Decoder(limits=Limits(_UNLIMITED))


@lru_cache(2)
def _encoder(model: str | Path | None) -> Encoder:
    from hpcmcodec.codec.api import Encoder

    return Encoder(model)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


def register() -> None:
    """Tells Pillow of the format; importing this module does it."""
    Image.register_open(FORMAT, HpcImageFile, _accept)
    Image.register_save(FORMAT, save)
    Image.register_extension(FORMAT, SUFFIX)
    Image.register_mime(FORMAT, MIME)


register()
