"""Pictures looked at in a browser: what `hpcm view` serves, to this machine alone.

Decoding is the native core's, on this side: it is there in every installation, faster than WebAssembly, and needs
neither a toolchain nor models in the browser.
"""

from hpcmcodec.view.server import Server, serve
from hpcmcodec.view.shelf import Shelf

__all__ = ["Server", "Shelf", "serve"]
