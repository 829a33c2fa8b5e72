"""`lite`: our variable-rate network. A linear lapped transform, deep corrections of it, and a hierarchical progressive
context model that visits the latent in the order of HPCM (arXiv 2507.19125) without masks: every step is a slot."""

from .model import Lite, LiteConfig

__all__ = ["Lite", "LiteConfig"]
