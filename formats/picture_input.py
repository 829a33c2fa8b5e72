"""Reading pictures through Pillow: every kind of file becomes one upright picture, or one clear error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile

from hpcmcodec.errors import InputError, LimitExceededError
from hpcmcodec.formats import colour, deep_input, exif, kinds, metadata, plugins, png_input, tiff_input
from hpcmcodec.formats.payloads import MAX_PIXELS, Limits
from hpcmcodec.formats.picture import Picture
from hpcmcodec.formats.pillow import open_image
from hpcmcodec.formats.png_input import Extras
from hpcmcodec.formats.tiff_input import Layout

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

# Pillow's names of what is tried, whatever a file is called. Not EPS, which it would hand to Ghostscript, a program
# that runs what the file says, nor other kinds that it passes on or reads on one system only. MPO comes through JPEG.
_COMMON = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")
_READABLE = (*_COMMON, "DIB", "PPM", "TGA", "JPEG2000", "ICO", "PCX", "QOI", "SGI", "PSD", "SUN")
_WIDE = re.compile(";16[BLN]")  # samples of 16 bits in a byte order; without one it may be a pixel of 16 bits
_PROFILED = "what the PNG file says of gamma and primaries (gAMA, cHRM) became an ICC profile"
_FRAMES = "only the first frame or page was used"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(
    source: Source, *, max_pixels: int = MAX_PIXELS, admit: Callable[[int, int], None] | None = None
) -> Picture:
    """The picture in a file, in bytes, or in an open binary file; "-" is standard input.

    `admit` is called with height and width before any pixel is read, and may raise what it likes of `hpcmcodec.errors`.
    Of a file on a disk, no more than its head has been read by then.
    Raises InputError if it cannot be read, LimitExceededError if it has more than `max_pixels` pixels.
    """
    name, data = _open(source)
    with data, _careful(name, max_pixels):
        told = _ahead(name, data, max_pixels, admit)
        readable, extras = png_input.extras(data)
        with readable, open_image(readable, _READABLE) as image:
            more, page = tiff_input.main_page(image)
            Limits(max_pixels).check_picture(*image.size)
            if admit is not None:
                admit(image.height, image.width)
            frames = more if image.format == "TIFF" else None
            deep = deep_input.pnm(data) if image.format == "PPM" else None
            picture = _picture(image, max_pixels, extras, frames=frames, told=page or told)
            if deep is None:
                return picture
            warnings = tuple(warning for warning in picture.warnings if warning != colour.REDUCED)
            return replace(picture, pixels=deep[0], alpha=None, depth=deep[1], warnings=warnings)


def _ahead(name: str, data: BinaryIO, max_pixels: int, admit: Callable[[int, int], None] | None) -> str | None:
    """What has to be known before a file is opened: raises for a camera's raw file and for a JPEG XL file of too many
    pixels, which its plugin decodes at once. A warning, or None."""
    if Path(name).suffix.lower() in kinds.RAW:
        raise InputError("raw files of cameras are not read: develop it first")
    begins = data.read(12)
    data.seek(0)
    if not plugins.is_jxl(begins):
        return None
    head = plugins.jxl_head(data)
    data.seek(0)
    Limits(max_pixels).check_picture(head.width, head.height)
    if admit is not None:
        admit(head.height, head.width)
    return None if head.depth in (8, None) else colour.REDUCED


def picture_from_image(image: Image.Image, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """A picture from Pillow's. The image is not changed. Errors as `read_picture`."""
    with _careful("the image", max_pixels):
        return _picture(image, max_pixels)


def _open(source: Source) -> tuple[str, BinaryIO]:
    """-> the source's name for messages, and a seekable file of it."""
    if isinstance(source, str) and source == "-":
        return "standard input", BytesIO(sys.stdin.buffer.read())
    if isinstance(source, str | os.PathLike):
        try:
            file = Path(source).open("rb")  # noqa: SIM115, the caller closes it
            if file.seekable():
                return str(source), file
            with file:  # a pipe
                return str(source), BytesIO(file.read())
        except OSError as error:
            raise InputError(f"cannot read {source}: {error.strerror or error}") from error
    if isinstance(source, bytes | bytearray | memoryview):
        return "the picture", BytesIO(source)
    return str(getattr(source, "name", "the picture")), BytesIO(source.read())


@contextmanager
def _careful(name: str, max_pixels: int) -> Iterator[None]:
    """Pillow with its many errors turned into ours."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise LimitExceededError(f"{name} has more pixels than the limit of {max_pixels}; see --max-pixels") from error
    except (InputError, LimitExceededError) as error:
        raise type(error)(f"{name}: {error}") from error
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{name} is not a picture of a known kind, or its beginning is damaged") from error
    except OSError as error:
        if error.errno is None:  # Pillow's way to say that a file is damaged
            raise _damaged(name, error) from error
        raise InputError(f"cannot read {name}: {error.strerror}") from error
    except MemoryError as error:
        raise LimitExceededError(f"{name} needs more memory than there is") from error
    except Exception as error:  # on damaged files Pillow's plugins raise nearly everything there is
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{name} is damaged or of an unsupported kind ({reason})")


def _picture(
    image: Image.Image,
    max_pixels: int,
    extras: Extras | None = None,
    *,
    frames: bool | None = None,
    told: str | None = None,
) -> Picture:
    """frames: whether there are more of them, None where Pillow is to be asked. told: a first warning."""
    width, height = image.size
    if width < 1 or height < 1:
        raise InputError("the picture has no pixels")
    Limits(max_pixels).check_picture(width, height)
    warnings: list[str] = [told] if told else []
    if ImageFile.LOAD_TRUNCATED_IMAGES:  # a setting of the whole process, which is its host's
        warnings.append("Pillow was told to take cut files: parts of the picture may be missing")
    mode, rawmode, layout = image.mode, _rawmode(image), Layout.of(image)
    low_image = deep_input.low_bytes(image)
    cut = _WIDE.search(rawmode) and low_image is None and not mode.startswith("I;16")
    if cut or _is_deep(image):  # Pillow keeps the high byte alone
        warnings.append(colour.REDUCED)
    image.load()  # first of all: whatever else needs the samples and swallows an error would leave them half black
    turn = _turn(image, warnings)
    low = None if low_image is None else np.asarray(_turned(low_image, turn))
    pixels, alpha = colour.samples(_turned(image, turn), warnings, rawmode, layout, low)
    blocks, notes, cicp = _blocks(image, pixels.shape[2], warnings, extras or Extras())
    warnings += _frame_warnings(image) if frames is None else [_FRAMES] * frames  # last: it looks at other frames
    icc, exif, xmp = (blocks[name] for name in ("icc", "exif", "xmp"))
    depth = 8 if pixels.dtype == np.uint8 else 16
    said = tuple(dict.fromkeys(warnings))
    return Picture(pixels, alpha, icc, exif, xmp, mode, said, tuple(notes), depth=depth, cicp=cicp)


def _frame_warnings(image: Image.Image) -> list[str]:
    """Whether there are more frames, not how many: a file may have a million, which Pillow would count one by one."""
    try:
        more = bool(getattr(image, "is_animated", False))
    except (OSError, EOFError, SyntaxError, ValueError):  # damaged beyond the first frame, which is all we need
        more = True
    return [_FRAMES] if more else []


def _rawmode(image: Image.Image) -> str:
    """How samples are laid out in the file, before Pillow decodes them; empty for formats that do not tell."""
    return " ".join(str(tile[3]) for tile in getattr(image, "tile", []) if len(tile) > 3)


def _turn(image: Image.Image, warnings: list[str]) -> Image.Transpose | None:
    """What makes the loaded picture upright."""
    try:
        orientation = 1 if _is_upright(image) else image.getexif().get(exif.ORIENTATION, 1)
    except Exception:  # the same variety of errors, but about metadata only
        warnings.append("the EXIF data is damaged and its orientation was ignored")
        orientation = 1
    return _TURNS.get(orientation)


def _turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _is_deep(image: Image.Image) -> bool:
    """Whether a reader gives 8 bits of what has more, in the ways of those that do not tell by a rawmode."""
    if image.format == "PPM" and image.mode == "RGB":
        arguments = [tile[3] for tile in image.tile if isinstance(tile[3], tuple)]  # type: ignore[attr-defined]
        return any(isinstance(highest, int) and highest > 255 for _, highest in arguments)
    return image.format == "HEIF" and image.info.get("bit_depth", 8) > 8


def _is_upright(image: Image.Image) -> bool:
    """Whether its reader has turned it, whatever its EXIF says: a JPEG file inside JPEG XL is given as it was."""
    return image.format in ("TIFF", "HEIF") or (image.format == "JXL" and not getattr(image, "jpeg", False))


def _blocks(
    image: Image.Image, channels: int, warnings: list[str], extras: Extras
) -> tuple[dict[str, bytes | None], list[str], tuple[int, int, int] | None]:
    """ICC, EXIF and XMP that are worth keeping, notes of what else there was, and code points of the colours."""
    icc = extras.icc or image.info.get("icc_profile") or None
    if icc is None and "icc_profile" in image.info:  # which is how Pillow tells it
        warnings.append("the ICC profile is damaged; it was left out")
    if icc and image.mode in ("CMYK", "LAB"):
        icc = None  # has been used: the samples are sRGB now
    problem = metadata.icc_problem(icc, channels) if icc else None
    if problem:
        warnings.append(f"{problem}; it was left out")
        icc = None
    cicp, made = _code_points(image), False
    if image.format == "PNG":
        found = png_input.meaning(image, extras, icc, channels)
        icc, cicp, made = found.icc, found.cicp, found.made
        warnings += [found.lost] if found.lost else []
    blocks: dict[str, bytes | None] = {"icc": icc}
    for name, find in (("exif", metadata.exif_block), ("xmp", metadata.xmp_block)):
        try:
            blocks[name] = find(image)
            damaged = blocks[name] is None and bool(image.info.get(name))
        except Exception:
            blocks[name] = None
            damaged = True
        if damaged:
            warnings.append(f"the {name.upper()} data is damaged; it was left out")
    for name, block in blocks.items():
        if block and len(block) > metadata.MAX_BYTES:
            blocks[name] = None
            warnings.append(f"{name.upper()} data of {len(block)} bytes is too large; it was left out")
    if metadata.has_iptc(image):
        warnings.append("IPTC data, such as a caption or keywords, was left out")
    notes = [_PROFILED] * made + metadata.left_out(image, blocks["exif"])
    return blocks, notes + ["a large text was left out"] * extras.large_text, cicp


def _code_points(image: Image.Image) -> tuple[int, int, int] | None:
    """Those of an image that was decoded from an hpc file before."""
    found = image.info.get("cicp")
    sound = isinstance(found, tuple) and len(found) == 3 and all(isinstance(one, int) for one in found)
    if not sound or found is None or not (0 < found[0] < 256 and 0 < found[1] < 256 and found[2] in (0, 1)):
        return None
    return found
