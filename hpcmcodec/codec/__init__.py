"""Picture <-> bytes: pad, analyse, quantise, code, and back."""

from .decoder import Decoder
from .encoder import DEFAULT_QUALITY, Encoder

__all__ = ["DEFAULT_QUALITY", "Decoder", "Encoder"]
