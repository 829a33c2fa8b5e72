"""Access to the compiled extension, which may be missing from a source tree that is used for training only."""

from __future__ import annotations

import functools
from typing import Any

from hpcmcodec.errors import NoKernelsError


@functools.cache
def native() -> Any:
    """The extension module; NoKernelsError if it is not built."""
    try:
        from hpcmcodec.kernels import _native  # type: ignore[attr-defined]
    except ImportError as error:
        raise NoKernelsError(
            f"the compiled kernels cannot be loaded ({error}); build them with: pip install -e . --no-build-isolation"
        ) from error
    return _native
