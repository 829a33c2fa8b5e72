"""Writing pictures through Pillow: PNG, JPEG, WebP, TIFF, PPM and BMP, metadata kept where the format has a place."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hpcmcodec.errors import OutputError, UsageError
from hpcmcodec.formats.atomic import atomic_write
from hpcmcodec.formats.samples import Samples, samples_of

if TYPE_CHECKING:  # Pillow is not needed for PPM, numpy only for TIFF and for more than 8 bits
    from PIL import Image

    from hpcmcodec.formats.picture import Picture

FORMATS = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg", ".jpe"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "ppm": (".ppm", ".pgm", ".pnm"),
    "bmp": (".bmp",),
}
"""Names of formats and their suffixes."""
_ALIASES = {"jpg": "jpeg", "tif": "tiff", "pgm": "ppm", "pnm": "ppm"}
_DEEP = ("png", "tiff", "ppm")
_WITHOUT_ALPHA = ("jpeg", "ppm", "bmp")
_PNG_LEVEL = 2  # of 9: photos come out no larger than at Pillow's 6 and four times as fast, lettering some 12 % larger
_MOST_ICC = 2**20  # Pillow's own limit for what it unpacks
_MARKER_BYTES = 65000  # a JPEG marker segment holds no larger EXIF or XMP block


def format_of(path: str | Path, format: str | None = None) -> str:
    """The format's name: as asked for, else by the path's suffix. Raises UsageError for an unknown one."""
    if format is not None:
        name = _ALIASES.get(format.lower(), format.lower())
        if name in FORMATS:
            return name
        raise UsageError(f"unknown picture format {format!r}: choose one of {', '.join(FORMATS)}")
    suffix = Path(path).suffix.lower()
    for name, suffixes in FORMATS.items():
        if suffix in suffixes:
            return name
    known = ", ".join(suffixes[0] for suffixes in FORMATS.values())
    raise UsageError(f"the suffix of {path} names no picture format: use {known} or --format")


def write_picture(
    picture: Picture | Samples, path: str | Path | BinaryIO, format: str | None = None, *, overwrite: bool = True
) -> tuple[str, ...]:
    """Write a picture, whole or not at all. "-" is standard output, in PNG unless `format` says otherwise.

    format: a name of `FORMATS`, None goes by the suffix. Returns what could not be kept, one sentence each. Raises
    UsageError for an unknown format, OutputError if it cannot be written or, without `overwrite`, exists.
    """
    if path == "-" or not isinstance(path, str | Path):
        data, lost = encode_picture(picture, format_of("", format or "png"))
        file: BinaryIO = sys.stdout.buffer if isinstance(path, str | Path) else path
        file.write(data)
        file.flush()
        return lost
    data, lost = encode_picture(picture, format_of(path, format))
    atomic_write(path, data, overwrite=overwrite)
    return lost


def encode_picture(picture: Picture | Samples, format: str) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of an image file, and what could not be kept. Errors as `write_picture`."""
    name = format_of("", format)
    samples = picture if isinstance(picture, Samples) else samples_of(picture)
    lost: list[str] = []
    if samples.cicp and name != "png":
        lost.append(
            f"{name.upper()} has no place for the colours' code points (CICP {samples.cicp[0]}, {samples.cicp[1]})"
        )
    if samples.depth > 8:
        from hpcmcodec.formats.depth import REDUCED, in_8_bits

        if name in _DEEP:
            return _encode_deep(samples.picture, name, lost)
        samples = samples_of(in_8_bits(samples.picture))
        lost.append(f"{name.upper()} holds 8 bits: {REDUCED}")
    if samples.alpha is not None and name in _WITHOUT_ALPHA:
        samples = _on_white(samples)
        lost.append(f"{name.upper()} has no alpha channel: the picture was put on white")
    if name == "ppm":
        _bare(samples, lost)
        return _netpbm(samples), tuple(lost)
    buffer = BytesIO()
    try:
        if name == "tiff":
            return _tiff(samples, lost), tuple(lost)
        options = _OPTIONS[name](samples, lost)
        _image(samples).save(buffer, name.upper(), **options)
    except (
        OSError,
        ValueError,
        OverflowError,
        SystemError,
        struct.error,
    ) as error:  # such as a side longer than the format allows
        raise OutputError(f"the picture cannot be written as {name.upper()} ({error})") from error
    data = buffer.getvalue()
    if samples.cicp and name == "png":
        from hpcmcodec.formats import png_output

        data = png_output.with_code_points(data, samples.cicp)
    return data, tuple(lost)


def _encode_deep(picture: Picture, name: str, lost: list[str]) -> tuple[bytes, tuple[str, ...]]:
    """PNG and TIFF have 16 bits, PNM has as many as there are."""
    import numpy as np

    from hpcmcodec.formats import png_output
    from hpcmcodec.formats.depth import scaled

    if name == "ppm":
        if picture.alpha is not None:
            picture = _deep_on_white(picture)
            lost.append("PPM has no alpha channel: the picture was put on white")
        _bare(samples_of(picture), lost)
        height, width, channels = picture.pixels.shape
        head = f"P{5 if channels == 1 else 6}\n{width} {height}\n{2**picture.depth - 1}\n".encode()
        return head + picture.pixels.astype(">u2").tobytes(), tuple(lost)
    alpha = None if picture.alpha is None else scaled(picture.alpha, picture.depth, 16)
    picture = replace(picture, pixels=scaled(picture.pixels, picture.depth, 16), alpha=alpha, depth=16)
    if name == "tiff":
        if alpha is not None and picture.pixels.shape[2] == 1:  # grey and alpha of 16 bits, which few readers know
            picture = replace(picture, pixels=picture.pixels.repeat(3, 2))
        return _tiff(samples_of(picture), lost), tuple(lost)
    xmp = picture.xmp
    try:
        (xmp or b"").decode()
    except UnicodeDecodeError:
        xmp = None
        lost.append("the XMP data is not in UTF-8, as PNG needs it")
    planes = picture.pixels if picture.alpha is None else np.dstack((picture.pixels, picture.alpha))
    return png_output.encode(planes, picture.icc, picture.exif, xmp, picture.cicp), tuple(lost)


def _deep_on_white(picture: Picture) -> Picture:
    import numpy as np

    assert picture.alpha is not None
    alpha = picture.alpha[:, :, None].astype(np.uint64)
    most = 2**picture.depth - 1
    mixed = (picture.pixels * alpha + most * (most - alpha) + most // 2) // most
    return replace(picture, pixels=mixed.astype(picture.pixels.dtype), alpha=None)


def picture_to_image(picture: Picture | Samples) -> Image.Image:
    """A Pillow image of mode L, LA, RGB or RGBA, or I;16 for grey of more than 8 bits; Pillow has no deep colour, which
    comes in 8 bits. Metadata in `info` as `icc_profile`, `exif`, `xmp`, and `cicp` for code points."""
    samples = picture if isinstance(picture, Samples) else samples_of(picture)
    image = _image(samples) if samples.depth == 8 else _deep_image(samples.picture)
    blocks = {"icc_profile": picture.icc, "exif": picture.exif, "xmp": picture.xmp, "cicp": picture.cicp}
    image.info.update({name: block for name, block in blocks.items() if block})
    return image


def _image(samples: Samples) -> Image.Image:
    """Without metadata; a copy of the samples."""
    from PIL import Image

    size = samples.width, samples.height
    image = Image.frombytes(samples.mode, size, samples.colours)  # type: ignore[arg-type]
    if samples.alpha is not None:
        image.putalpha(Image.frombytes("L", size, samples.alpha))  # type: ignore[arg-type]
    return image


def _deep_image(picture: Picture) -> Image.Image:
    from PIL import Image

    from hpcmcodec.formats.depth import in_8_bits, scaled

    if picture.alpha is not None or picture.pixels.shape[2] > 1:
        return _image(samples_of(in_8_bits(picture)))
    return Image.fromarray(scaled(picture.pixels, picture.depth, 16)[:, :, 0])


def _on_white(samples: Samples) -> Samples:
    """Each sample s under alpha a is (s a + 255 (255 - a)) / 255, rounded to the nearest."""
    from PIL import Image

    assert samples.alpha is not None
    size = samples.width, samples.height
    white = Image.new(samples.mode, size, "white")
    white.paste(_image(replace(samples, alpha=None)), mask=Image.frombytes("L", size, samples.alpha))  # type: ignore[arg-type]
    return replace(samples, colours=white.tobytes(), alpha=None)


def _netpbm(samples: Samples) -> bytes:
    """PPM, or PGM for grey."""
    return b"P%d\n%d %d\n255\n" % (5 if samples.channels == 1 else 6, samples.width, samples.height) + samples.colours


def _png(samples: Samples, lost: list[str]) -> dict[str, Any]:
    from PIL import PngImagePlugin

    options: dict[str, Any] = {"compress_level": _PNG_LEVEL, **_given(icc_profile=samples.icc, exif=samples.exif)}
    if len(samples.icc or b"") > _MOST_ICC:
        lost.append("the ICC profile is so large that some programs refuse the PNG file; --strip icc leaves it out")
    if samples.xmp:
        try:
            text = PngImagePlugin.PngInfo()
            text.add_itxt("XML:com.adobe.xmp", samples.xmp.decode())
            options["pnginfo"] = text
        except UnicodeDecodeError:
            lost.append("the XMP data is not in UTF-8, as PNG needs it")
    return options


def _jpeg(samples: Samples, lost: list[str]) -> dict[str, Any]:
    exif = b"Exif\0\0" + samples.exif if samples.exif else None
    blocks = {"icc_profile": samples.icc, "exif": exif, "xmp": samples.xmp}
    for name in ("exif", "xmp"):
        if len(blocks[name] or b"") > _MARKER_BYTES:
            blocks[name] = None
            lost.append(f"the {name.upper()} data is too large for JPEG")
    return {"quality": 95, "subsampling": 0, "optimize": True, **_given(**blocks)}


def _webp(samples: Samples, lost: list[str]) -> dict[str, Any]:
    return {
        "lossless": True,
        "exact": True,
        "method": 4,
        **_given(icc_profile=samples.icc, exif=samples.exif, xmp=samples.xmp),
    }


def _tiff(samples: Samples, lost: list[str]) -> bytes:
    """In TIFF the EXIF tags are those of the picture's own directory. An hpc file may hold anything in their place,
    also tags that would lay out the samples anew, and on nonsense Pillow raises nearly everything there is."""
    import numpy as np
    from PIL import Image

    from hpcmcodec.formats import metadata, tiff

    picture = samples.picture
    planes = picture.pixels if picture.alpha is None else np.dstack((picture.pixels, picture.alpha))
    if picture.exif:
        try:
            block = Image.Exif()
            block.load(b"Exif\0\0" + picture.exif)
            return tiff.encode(planes, metadata.descriptive_tags(block), picture.icc, picture.xmp)
        except Exception:
            lost.append("the EXIF data is damaged")
    return tiff.encode(planes, {}, picture.icc, picture.xmp)


def _bare(samples: Samples, lost: list[str]) -> dict[str, Any]:
    blocks = {"ICC": samples.icc, "EXIF": samples.exif, "XMP": samples.xmp}
    lost += [f"this format has no place for {name} data" for name, block in blocks.items() if block]
    return {}


def _given(**blocks: bytes | None) -> dict[str, Any]:
    return {name: block for name, block in blocks.items() if block}


_OPTIONS: dict[str, Callable[[Samples, list[str]], dict[str, Any]]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "bmp": _bare,
}
