"""What may be done with a picture on its way in: a part of it, turned, made smaller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hpcmcodec.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from hpcmcodec.formats.picture import Picture


@dataclass(frozen=True)
class Size:
    """How large a picture shall be: `percent` of its sides, or what fits into `width` and `height` pixels, where a
    smaller picture stays as it is. Proportions are kept."""

    percent: float | None = None
    width: int | None = None
    height: int | None = None

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height for a picture of these."""
        if self.percent is not None:
            factor = self.percent / 100
        else:
            factor = min(1.0, (self.width or width) / width, (self.height or height) / height)
        return max(1, round(width * factor)), max(1, round(height * factor))


@dataclass(frozen=True)
class Shape:
    """In this order: `crop` (left, top, width, height in pixels of the upright picture), `rotate` clockwise by 90, 180
    or 270 degrees, `size`."""

    crop: tuple[int, int, int, int] | None = None
    rotate: int = 0
    size: Size | None = None

    def __call__(self, picture: Picture) -> Picture:
        """The picture in this shape. Raises UsageError for a crop that does not lie in the picture."""
        import numpy as np

        planes = [picture.pixels, picture.alpha]
        if self.crop is not None:
            planes = [None if plane is None else _cropped(plane, self.crop) for plane in planes]
        if self.rotate:
            planes = [None if plane is None else np.rot90(plane, -self.rotate // 90) for plane in planes]
        pixels, alpha = (None if plane is None else np.ascontiguousarray(plane) for plane in planes)
        assert pixels is not None
        picture = replace(picture, pixels=pixels, alpha=alpha)
        return picture if self.size is None else _resized(picture, self.size)


def _cropped(plane: np.ndarray, crop: tuple[int, int, int, int]) -> np.ndarray:
    left, top, width, height = crop
    if left < 0 or top < 0 or width < 1 or height < 1 or left + width > plane.shape[1] or top + height > plane.shape[0]:
        raise UsageError(
            f"the crop {left},{top},{width},{height} does not lie in the picture of"
            f" {plane.shape[1]} x {plane.shape[0]} pixels"
        )
    return plane[top : top + height, left : left + width]


def _resized(picture: Picture, size: Size) -> Picture:
    import numpy as np
    from PIL import Image

    from hpcmcodec.formats.depth import in_8_bits
    from hpcmcodec.formats.picture_output import picture_to_image

    height, width = picture.pixels.shape[:2]
    wanted = size.of(width, height)
    if wanted == (width, height):
        return picture
    picture = in_8_bits(picture)  # which is what Pillow resizes colour in
    image = picture_to_image(replace(picture, icc=None, exif=None, xmp=None))
    planes = np.asarray(image.resize(wanted, Image.Resampling.LANCZOS))  # weighs colours by alpha where there is one
    planes = planes.reshape(wanted[1], wanted[0], -1)
    channels = picture.pixels.shape[2]
    alpha = None if picture.alpha is None else np.ascontiguousarray(planes[:, :, channels])
    return replace(picture, pixels=np.ascontiguousarray(planes[:, :, :channels]), alpha=alpha)
