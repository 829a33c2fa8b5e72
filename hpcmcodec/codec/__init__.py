"""Picture <-> bytes: pad, analyse, quantise, code, and back. Each half is imported at first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .decoder import Decoder as Decoder
    from .encoder import DEFAULT_QUALITY as DEFAULT_QUALITY
    from .encoder import Encoder as Encoder

_HOMES = {"DEFAULT_QUALITY": "encoder", "Decoder": "decoder", "Encoder": "encoder"}

__all__ = ["DEFAULT_QUALITY", "Decoder", "Encoder"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
