"""Any of Pillow's modes -> 8-bit grey or RGB samples, and alpha."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.uint8]
REDUCED = "samples of more than 8 bits were rounded to 8 bits"


def samples(image: Image.Image, warnings: list[str], rawmode: str = "") -> tuple[Samples, Samples | None]:
    """-> pixels (H, W, 1 or 3) and alpha (H, W) or None. `image` is loaded; `warnings` grows by what was changed.
    `rawmode`: how the file lays out its samples, in Pillow's words.

    16-bit samples are divided by 257 and rounded; CMYK and Lab go to sRGB, through the picture's profile if it has one.
    """
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        warnings.append(REDUCED)
        return _wide_grey(image)
    if mode in ("1", "L", "RGB"):
        return _keyed(image, rawmode)
    if mode in ("LA", "La", "PA"):
        return _split(image.convert("RGBA" if mode == "PA" else "LA"))
    if mode == "CMYK":
        return _plain(_cmyk_to_srgb(image, warnings))
    return _split(image.convert("RGBA")) if _transparent(image) else _plain(image.convert("RGB"))


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


def _keyed(image: Image.Image, rawmode: str) -> tuple[Samples, Samples | None]:
    """Grey or RGB, in which one colour may stand for transparent. PNG files give it in their own depth."""
    key = image.info.get("transparency")
    if image.mode == "1":
        key = None if key is None else 255 * (key != 0)
        image = image.convert("L")
    pixels, _ = _plain(image)
    if not isinstance(key, int | tuple):
        return pixels, None
    if isinstance(key, tuple) and ";16" in rawmode:  # Pillow keeps the high bytes of such samples
        key = tuple(value >> 8 for value in key)
    elif isinstance(key, int):
        key *= {"L;2": 85, "L;4": 17}.get(rawmode, 1)
    return pixels, np.where((pixels == np.array(key)).all(2), 0, 255).astype(np.uint8)


def _wide_grey(image: Image.Image) -> tuple[Samples, Samples | None]:
    """Grey of 16 or 32 bits or float. What lies beyond 16 bits, or is float, is brought to its own range."""
    array = np.asarray(image)
    levels = _from_float(array) if array.dtype.kind == "f" else _from_integer(array)
    key = image.info.get("transparency")
    alpha = np.where(array == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
    return np.asarray(levels).astype(np.uint8)[:, :, None], alpha


def _from_integer(array: NDArray[np.integer]) -> NDArray[np.int64]:
    wide = array.astype(np.int64)
    low, high = min(int(wide.min()), 0), max(int(wide.max()), 65535)
    return ((wide - low) * 255 * 2 + (high - low)) // (2 * (high - low))


def _from_float(array: NDArray[np.float32]) -> NDArray[np.float64]:
    values = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), float(values.max()))
    return np.rint(np.clip(values, 0, None) * (255 / top))


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
