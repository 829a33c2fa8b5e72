"""What hpc files begin with, the bounds of the format, and how much a reader is willing to handle. Needs no numpy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hpcmcodec.errors import LimitExceededError

SIGNATURE = b"\xc8P\r\n"
"""What hpc files begin with."""
MAX_SIDE = 2**30
MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")
TILE_UNIT = 64
"""Sides of tiles are multiples of this, and pictures are padded to them."""
MAX_PIXELS = 2**28
"""Pixels of a picture that are coded unless the caller asks for more: 268 million."""
_LEAST_TILE = 2**22  # pixels that are decoded at once whatever the limit


@dataclass(frozen=True)
class Limits:
    """What a coder is willing to handle: pixels of a picture, bytes of one unpacked piece of metadata, bytes of memory
    (None for all that the machine has).

    A file of a few hundred bytes that claims to be huge costs what these limits allow.
    """

    max_pixels: int = MAX_PIXELS
    max_metadata: int = 2**24
    max_memory: int | None = None

    @property
    def max_tile(self) -> int:
        """Pixels of one entropy tile, padding included."""
        return max(self.max_pixels // 16, _LEAST_TILE)

    def check_picture(self, width: int, height: int) -> None:
        """Raises LimitExceededError for a picture with too many pixels, or so thin that its padding makes it large."""
        if width * height > self.max_pixels:
            raise LimitExceededError(
                f"{width} x {height} pixels are more than the limit of {self.max_pixels}; see --max-pixels"
            )
        padded = math.prod(-(-side // TILE_UNIT) * TILE_UNIT for side in (width, height))
        if padded > max(4 * self.max_pixels, _LEAST_TILE):
            raise LimitExceededError(
                f"{width} x {height} pixels are padded to {padded}, more than four times the limit of"
                f" {self.max_pixels}; see --max-pixels"
            )

    def check_tile(self, width: int, height: int) -> None:
        """Raises LimitExceededError for an entropy tile of this size, padding included, that is too large."""
        if width * height > self.max_tile:
            raise LimitExceededError(
                f"the file is coded in one piece of {width} x {height} pixels, more than the limit of {self.max_tile},"
                " a sixteenth of --max-pixels"
            )
