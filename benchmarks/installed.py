"""The installed command for scripts of this folder, whatever folder they are started in."""

from __future__ import annotations

import sys


def hpcm(*arguments: object) -> list[str]:
    """A command line of `hpcm`. -P: in the source tree, its own `hpcmcodec`, which lacks `cli`, `formats` and
    `kernels`, would hide the installed package."""
    return [sys.executable, "-P", "-m", "hpcmcodec", *map(str, arguments)]
