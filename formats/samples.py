"""A decoded picture as plain bytes. Needs no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpcmcodec.formats.picture import Picture

Plane = bytes | bytearray | memoryview


@dataclass(frozen=True, eq=False)
class Samples:
    """An upright picture, rows from the top without gaps; samples have a byte, those of a depth beyond 8 two in the
    machine's order.

    colours: of `channels` interleaved ones, 1 (grey) or 3 (RGB).   alpha: one for each pixel, not premultiplied, or
    None.   icc, exif, xmp, warnings, notes, incomplete, depth, cicp: as `Picture` has them.   pixels_of_file: of the
    whole picture in the file, of which this may be a part or a small copy.
    """

    width: int
    height: int
    channels: int
    colours: Plane
    alpha: Plane | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    incomplete: bool = False
    depth: int = 8
    pixels_of_file: int = 0
    cicp: tuple[int, int, int] | None = None

    @property
    def mode(self) -> str:
        """Of the colours, in Pillow's words."""
        return "L" if self.channels == 1 else "RGB"

    @property
    def picture(self) -> Picture:
        """The same over the same memory, as numpy's arrays."""
        import numpy as np

        from hpcmcodec.formats.picture import Picture

        kind = np.uint8 if self.depth == 8 else np.uint16
        return Picture(
            np.frombuffer(self.colours, kind).reshape(self.height, self.width, self.channels),
            None if self.alpha is None else np.frombuffer(self.alpha, kind).reshape(self.height, self.width),
            icc=self.icc,
            exif=self.exif,
            xmp=self.xmp,
            warnings=self.warnings,
            notes=self.notes,
            incomplete=self.incomplete,
            depth=self.depth,
            cicp=self.cicp,
        )


def samples_of(picture: Picture, pixels_of_file: int | None = None) -> Samples:
    """A picture's samples; the memory is shared where it lies as they do. pixels_of_file: None for its own."""
    import numpy as np

    def plane(array: np.ndarray) -> memoryview:
        return np.ascontiguousarray(array).data.cast("B")

    height, width, channels = picture.pixels.shape
    return Samples(
        width,
        height,
        channels,
        plane(picture.pixels),
        None if picture.alpha is None else plane(picture.alpha),
        icc=picture.icc,
        exif=picture.exif,
        xmp=picture.xmp,
        warnings=picture.warnings,
        notes=picture.notes,
        incomplete=picture.incomplete,
        depth=picture.depth,
        cicp=picture.cicp,
        pixels_of_file=width * height if pixels_of_file is None else pixels_of_file,
    )
