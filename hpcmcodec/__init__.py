"""hpcmcodec: a learned image codec that decodes to the same bits on every machine.

    >>> import hpcmcodec
    >>> data = hpcmcodec.encode("photo.png", quality=50)  # PIL image, numpy array, path or file
    >>> hpcmcodec.decode(data).size  # a PIL image
    (64, 48)

`Encoder` and `Decoder` keep a model loaded for many pictures; `info` and `verify` look into a file; all errors are in
`hpcmcodec.errors`. Everything is imported at first use, so that `import hpcmcodec` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpcmcodec import errors as errors
    from hpcmcodec.codec.api import Decoder as Decoder
    from hpcmcodec.codec.api import Encoder as Encoder
    from hpcmcodec.codec.api import decode as decode
    from hpcmcodec.codec.api import encode as encode
    from hpcmcodec.codec.inspect import Info as Info
    from hpcmcodec.codec.inspect import VerifyReport as VerifyReport
    from hpcmcodec.codec.inspect import info as info
    from hpcmcodec.codec.inspect import verify as verify

__version__ = "0.1.0"

_HOMES = {
    "Decoder": "hpcmcodec.codec.api",
    "Encoder": "hpcmcodec.codec.api",
    "Info": "hpcmcodec.codec.inspect",
    "VerifyReport": "hpcmcodec.codec.inspect",
    "decode": "hpcmcodec.codec.api",
    "encode": "hpcmcodec.codec.api",
    "errors": "hpcmcodec",
    "info": "hpcmcodec.codec.inspect",
    "verify": "hpcmcodec.codec.inspect",
}

__all__ = [
    "Decoder",
    "Encoder",
    "Info",
    "VerifyReport",
    "__version__",
    "decode",
    "encode",
    "errors",
    "info",
    "verify",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("hpcmcodec.errors") if name == "errors" else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
