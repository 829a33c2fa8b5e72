"""TIFF files in: what Pillow takes for something else than it is, by the tags of the file.

Pillow hands over the samples as they lie there. Which value is white, whether it is a signed or an unsigned number, and
which page is the picture is told by tags that it does not look at; `Layout` does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImagePalette, TiffImagePlugin

from hpcmcodec.errors import InputError

_SUBFILE, _OLD_SUBFILE, _BITS, _PHOTOMETRIC, _SAMPLES, _PLANAR = 254, 255, 258, 262, 277, 284
_COLORMAP, _SUB_FOLDERS, _FORMAT = 320, 330, 339
_THUMBNAIL, _MASK, _OLD_THUMBNAIL = 1, 4, 2
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_PAGES = 16  # looked at; a file may have a million
_WHITE_IS_ZERO, _SEPARATE = 0, 2

THUMBNAIL_ONLY = "the file says that all its pictures are thumbnails; the largest was used"


@dataclass(frozen=True)
class Layout:
    """How the samples of a page are to be understood. bits: of a sample. kind: unsigned 1, signed 2, float 3.
    negative: white is zero, and Pillow does not turn it."""

    bits: int
    kind: int
    negative: bool

    @classmethod
    def of(cls, image: Image.Image) -> Layout | None:
        """Of an opened page that is not loaded yet; None for other formats than TIFF. Raises InputError for samples
        that Pillow would mix up."""
        if not isinstance(image, TiffImagePlugin.TiffImageFile):
            return None
        tags = image.tag_v2
        bits, kind = _first(tags.get(_BITS, 1)), _first(tags.get(_FORMAT, _UNSIGNED))
        if tags.get(_PLANAR) == _SEPARATE and tags.get(_SAMPLES, 1) > 1 and bits != 8:
            raise InputError(f"TIFF with separate planes of {bits}-bit samples is not supported: store them together")
        zero_is_white = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
        layout = cls(bits, kind, zero_is_white and image.mode not in ("1", "L"))
        if image.mode in ("P", "PA"):
            _mend_palette(image, tags[_COLORMAP])
        return layout

    def levels(self, array: NDArray[np.generic]) -> NDArray[np.uint8] | None:
        """Grey samples as Pillow loaded them (H, W), in 8 bits; None where there is nothing special about them."""
        if array.ndim != 2 or self.kind == _FLOAT:
            return None
        known = (self.bits, self.kind) in ((8, _SIGNED), (12, _UNSIGNED), (16, _SIGNED), (32, _UNSIGNED))
        if not known and not (self.negative and self.bits == 16):
            return None
        wide = array.astype(np.int64)
        top = (1 << self.bits) - 1
        if self.kind == _SIGNED:  # the lowest number is black
            wide = np.asarray(wide + 128) % 256 if self.bits == 8 else wide + (1 << (self.bits - 1))
        else:
            wide &= top  # Pillow keeps 32 bits as signed numbers
        return self._turned(((wide * 510 + top) // (2 * top)).clip(0, 255).astype(np.uint8))

    def _turned(self, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return 255 - levels if self.negative else levels


def main_page(image: Image.Image) -> tuple[bool, str | None]:
    """Goes to the first page that is no thumbnail and no mask of another. -> whether there are more such pages, and
    what else is to be told. Raises InputError where the picture lies in a directory that Pillow does not read."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not getattr(image, "is_animated", False):
        return False, _only_thumbnail(image)
    whole: list[int] = []
    parts: list[tuple[int, int]] = []  # pixels, and the page from behind: of equal ones the first
    more = True
    for page in range(_PAGES):
        try:
            image.seek(page)
        except EOFError:
            more = False
            break
        except (OSError, SyntaxError, ValueError, KeyError, TypeError):  # of a kind that Pillow does not read
            break
        if _is_part(image):
            parts.append((image.width * image.height, -page))
        else:
            whole.append(page)
    if whole:
        image.seek(whole[0])
        return more or len(whole) > 1, None
    image.seek(-max(parts, default=(0, 0))[1])
    return more, _only_thumbnail(image)


def _only_thumbnail(image: Image.Image) -> str | None:
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not _is_part(image):
        return None
    if _SUB_FOLDERS in image.tag_v2:
        raise InputError("the picture lies in a sub-directory of this TIFF file, which is not supported")
    return THUMBNAIL_ONLY


def _is_part(image: TiffImagePlugin.TiffImageFile) -> bool:
    kind = image.tag_v2.get(_SUBFILE, 0)
    return bool(_first(kind) & (_THUMBNAIL | _MASK)) or image.tag_v2.get(_OLD_SUBFILE) == _OLD_THUMBNAIL


def _mend_palette(image: Image.Image, colours: tuple[int, ...]) -> None:
    """Some writers give 8-bit values where 16 are due, of which Pillow takes the high bytes. libtiff's tools do so."""
    if colours and max(colours) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(colours))


def _first(value: object) -> int:
    one = value[0] if isinstance(value, tuple) and value else value
    return one if isinstance(one, int) else 1
