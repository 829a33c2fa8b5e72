"""hpc files in every form in which the public functions take them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Union, cast

from hpcmcodec.errors import InputError
from hpcmcodec.formats.limits import SIGNATURE

if TYPE_CHECKING:
    import numpy as np

FileLike = Union[str, os.PathLike[str], bytes, bytearray, memoryview, "np.ndarray[Any, Any]", BinaryIO]
"""An hpc file: path, bytes (also as a uint8 array of one dimension) or open file; "-" is standard input."""


def as_bytes(file: FileLike) -> bytes | memoryview:
    """Any accepted kind of hpc file in memory. Raises InputError if it cannot be read or is none of these."""
    if "numpy" in sys.modules:  # as it is where there is an array
        import numpy as np

        if isinstance(file, np.ndarray):
            if file.dtype != np.uint8 or file.ndim != 1:
                raise InputError(
                    f"an hpc file in an array must be uint8 of one dimension, not {file.dtype} {file.shape}"
                )
            return np.ascontiguousarray(file).data
    if isinstance(file, bytes | bytearray | memoryview):
        return memoryview(file).cast("B").toreadonly()
    if isinstance(file, str) and file == "-":
        return _rest(sys.stdin.buffer)
    if isinstance(file, str | os.PathLike):
        try:
            with Path(file).open("rb") as opened:
                return _rest(opened)
        except OSError as error:
            raise InputError(f"cannot read {os.fspath(file)}: {error.strerror or error}") from error
    if hasattr(file, "read"):
        return _rest(cast("BinaryIO", file))
    raise InputError(f"a {type(file).__name__} is no hpc file: give its path, its bytes or an open file")


def _rest(file: BinaryIO) -> bytes:
    """What is left of an open file; no more than the beginning of one that is not hpc."""
    start = file.read(len(SIGNATURE) + 4)
    return start + file.read() if start.startswith(SIGNATURE) else start
