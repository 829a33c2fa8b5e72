"""Kinds of picture files by their suffixes, without anything that has to be loaded to read them."""

from __future__ import annotations

from importlib.util import find_spec

OWN = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm"}
    | {".png", ".pnm", ".ppm", ".psd", ".qoi", ".tga", ".tif", ".tiff", ".webp"}
)
"""Read by Pillow itself."""
PLUGINS = {"pillow_heif": frozenset({".heic", ".heif", ".hif"}), "pillow_jxl": frozenset({".jxl"})}
"""Modules of the extra `formats` and what they read."""
EXTRA = frozenset().union(*PLUGINS.values())
ADVICE = "pip install 'hpcmcodec[formats]'"
RAW = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef"}
    | {".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
"""What cameras write before anything is developed. Most are TIFF structures whose first picture is a thumbnail."""


def readable() -> frozenset[str]:
    """Suffixes of pictures that this installation reads."""
    return OWN.union(*(suffixes for module, suffixes in PLUGINS.items() if find_spec(module)))
