"""The core's errors as the package's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hpcmcodec import errors
from hpcmcodec.kernels._load import native


@contextmanager
def translated() -> Iterator[None]:
    """An error of the core becomes the class of `hpcmcodec.errors` with its number; one with none of these, a bug."""
    try:
        yield
    except native().CoreError as error:
        message, status = error.args
        raise _by_code().get(status, RuntimeError)(message) from None


def _by_code() -> dict[int, type[errors.HpcmError]]:
    found = (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HpcmError))
    return {kind.exit_code: kind for kind in found}
