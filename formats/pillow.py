"""Opening files with Pillow's readers without Pillow's settings, which belong to the whole process and so to the host:
neither its limit of pixels nor Python's warning filters are touched, and no lock is held that a fork could inherit."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from typing import BinaryIO

from PIL import Image

from hpcmcodec.formats import plugins

_PREFIX = 16  # bytes by which readers know their files
_NOT_MINE = (SyntaxError, IndexError, TypeError, struct.error)  # by which they say that it is another one's

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what nobody asked for


def open_image(file: BinaryIO, formats: Sequence[str]) -> Image.Image:
    """The image in a seekable file by the first reader that takes it, of any number of pixels: check them before it is
    loaded. Raises UnidentifiedImageError if none does, else what the readers raise."""
    file.seek(0)
    prefix = file.read(_PREFIX)
    extra = plugins.open_extra(file, prefix)
    if extra is not None:
        return extra
    for load in (Image.preinit, Image.init):  # the few common readers, then all others, which take longer to import
        load()
        for name in formats:
            if name not in Image.OPEN:
                continue
            factory, accept = Image.OPEN[name]
            try:
                accepted = accept is None or accept(prefix)
                if accepted and not isinstance(accepted, str):  # a text says why not
                    file.seek(0)
                    return factory(file, "")
            except _NOT_MINE:
                continue
    raise Image.UnidentifiedImageError("no reader takes it")
