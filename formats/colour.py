"""Any of Pillow's modes -> 8-bit grey or RGB samples, and alpha."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hpcmcodec.formats.depth import REDUCED
from hpcmcodec.formats.tiff_input import Layout

Samples = NDArray[np.uint8]
_USUAL = 0.9  # the share of floats that tells their range: the rest may be highlights or faults of a sensor


def samples(
    image: Image.Image,
    warnings: list[str],
    rawmode: str = "",
    layout: Layout | None = None,
    low: Samples | None = None,
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """-> pixels (H, W, 1 or 3) and alpha (H, W) or None. `image` is loaded; `warnings` grows by what was changed.
    `rawmode`: how the file lays out its samples, in Pillow's words. `layout`: of a TIFF file. `low`: the low bytes of
    16-bit samples (H, W, 2 to 4), of which `image` has the high ones.

    Samples of 16 bits stay so where `low` is given and in plain grey; others are divided by 257 and rounded. CMYK and
    Lab go to sRGB, through the picture's profile if it has one.
    """
    mode = image.mode
    if low is not None:
        return _deep(image, rawmode, low)
    if mode.startswith("I;16") and (layout is None or layout.levels(np.asarray(image)) is None):
        return _deep_grey(image)
    if mode.startswith("I;16") or mode in ("I", "F"):
        warnings.append(REDUCED)
        return _wide_grey(image, layout, warnings)
    if mode == "L" and layout is not None and (signed := layout.levels(np.asarray(image))) is not None:
        return signed[:, :, None], None
    if mode in ("1", "L", "RGB"):
        return _keyed(image, rawmode, low)
    if mode in ("LA", "La", "PA"):
        return _split(image.convert("RGBA" if mode == "PA" else "LA"))
    if mode == "CMYK":
        return _plain(_cmyk_to_srgb(image, warnings))
    return _split(image.convert("RGBA")) if _transparent(image) else _plain(image.convert("RGB"))


def _deep(image: Image.Image, rawmode: str, low: Samples) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    """High and low bytes together; RGB, in which one colour may stand for transparent, RGBA or LA."""
    whole: NDArray[np.uint16] = (np.asarray(image).astype(np.uint16) << 8 | low).astype(np.uint16)
    if rawmode.startswith("LA;"):  # which Pillow makes RGBA of
        whole = whole[:, :, [0, -1]]
    if image.mode != "RGB":
        return np.ascontiguousarray(whole[:, :, :-1]), np.ascontiguousarray(whole[:, :, -1])
    alpha = _keyed(image, rawmode, low)[1]
    return whole, None if alpha is None else alpha.astype(np.uint16) * 257


def _deep_grey(image: Image.Image) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    array = np.asarray(image).astype(np.uint16)
    key = image.info.get("transparency")
    alpha = np.where(array == key, 0, 65535).astype(np.uint16) if isinstance(key, int) else None
    return array[:, :, None], alpha


def _transparent(image: Image.Image) -> bool:
    """Pillow's has_transparency_data, which a palette picture without palette would break."""
    palette = image.palette.mode if image.palette else ""
    return image.mode in ("RGBA", "RGBa") or "transparency" in image.info or palette.endswith("A")


def _plain(image: Image.Image) -> tuple[Samples, None]:
    array = np.asarray(image)
    return np.ascontiguousarray(array.reshape(*array.shape[:2], -1)), None


def _split(image: Image.Image) -> tuple[Samples, Samples]:
    """LA or RGBA into colour and alpha."""
    array = np.asarray(image)
    return np.ascontiguousarray(array[:, :, :-1]), np.ascontiguousarray(array[:, :, -1])


def _keyed(image: Image.Image, rawmode: str, low: Samples | None) -> tuple[Samples, Samples | None]:
    """Grey or RGB, in which one colour may stand for transparent. PNG files give it in their own depth."""
    key = image.info.get("transparency")
    if image.mode == "1":
        key = None if key is None else 255 * (key != 0)
        image = image.convert("L")
    pixels, _ = _plain(image)
    if not isinstance(key, int | tuple):
        return pixels, None
    if isinstance(key, int):
        key *= _steps(pixels, key, rawmode)
        return pixels, np.where(pixels[:, :, 0] == key, 0, 255).astype(np.uint8)
    wide = ";16" in rawmode or max(key) > 255  # Pillow keeps the high bytes of such samples
    chosen = (pixels == np.array([value >> 8 if wide else value for value in key])).all(2)
    if low is not None:
        chosen &= (low == np.array(key) % 256).all(2)
    return pixels, np.where(chosen, 0, 255).astype(np.uint8)


def _steps(pixels: Samples, key: int, rawmode: str) -> int:
    """What one step of a grey PNG file's own depth is in 8 bits. An image that was loaded before does not tell its
    depth; then no sample equals a key that is not zero, and all are multiples of the step."""
    if rawmode in ("L;2", "L;4"):
        return 85 if rawmode == "L;2" else 17
    if rawmode or not 0 < key < 16:
        return 1
    return next((step for step, top in ((85, 3), (17, 15)) if key <= top and not (pixels % step).any()), 1)


def _wide_grey(image: Image.Image, layout: Layout | None, warnings: list[str]) -> tuple[Samples, Samples | None]:
    """Grey of 12, 16 or 32 bits or float. Integers that a file gives no range for are brought to their own where they
    lie beyond 16 bits, floats to the first of a few usual ranges that nearly all of them lie in."""
    array = np.asarray(image)
    known = None if layout is None else layout.levels(array)
    if known is not None:
        levels = known
    elif array.dtype.kind == "f":
        levels = _from_float(array, warnings)
        if layout is not None and layout.negative:
            levels = 255 - levels
    else:
        levels = _from_integer(array).astype(np.uint8)
    key = image.info.get("transparency")
    alpha = np.where(array == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
    return levels[:, :, None], alpha


def _from_integer(array: NDArray[np.integer]) -> NDArray[np.int64]:
    wide = array.astype(np.int64)
    low, high = min(int(wide.min()), 0), max(int(wide.max()), 65535)
    return ((wide - low) * 255 * 2 + (high - low)) // (2 * (high - low))


def _from_float(array: NDArray[np.float32], warnings: list[str]) -> Samples:
    values = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    positive = values[values > 0]
    usual = float(np.quantile(positive, _USUAL)) if positive.size else 0.0
    top = next((top for top in (1.0, 255.0, 65535.0) if usual <= top), float(values.max()))
    if values.max() > top:
        warnings.append(f"samples were taken as 0 to {top:g}; brighter ones were clipped")
    return np.rint(np.clip(values, 0, top) * (255 / top)).astype(np.uint8)


def _cmyk_to_srgb(image: Image.Image, warnings: list[str]) -> Image.Image:
    """Colour managed where the picture brings a CMYK profile, else Pillow's plain formula."""
    icc = image.info.get("icc_profile") or b""
    if icc[16:20] == b"CMYK":
        from PIL import ImageCms

        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                warnings.append("CMYK was converted to sRGB by its profile")
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass
    warnings.append("CMYK without a usable profile was converted to RGB by a plain formula")
    return image.convert("RGB")
