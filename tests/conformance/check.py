"""Decodes conformance files at every level of the machine, without a test framework: for emulators.

python tests/conformance/check.py FOLDER...     HPCM_SIMD=LEVEL: at this one only
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder
from hpcmcodec.diagnose import RECORD, pixels_hash


def main() -> None:
    """Exit code 1 if a file decodes to other pixels than recorded."""
    levels = [kernels.simd_level()] if os.environ.get("HPCM_SIMD") else kernels.available_levels()
    found = [check(Path(folder), level) for level in levels for folder in sys.argv[1:]]
    sys.exit(not all(found))


def check(folder: Path, level: str) -> bool:
    """Whether all files of a folder decode to the recorded pixels at a level; says so."""
    kernels.set_simd_level(level)
    recorded: dict[str, str] = json.loads((folder / RECORD).read_text())
    decoder = Decoder()
    wrong = [name for name, hash in sorted(recorded.items()) if pixels(decoder, folder / name) != hash]
    print(f"{platform.machine()} {level}: {len(recorded)} files in {folder}, differing: {wrong or 'none'}", flush=True)
    return not wrong


def pixels(decoder: Decoder, path: Path) -> str:
    return pixels_hash(decoder.decode(path.read_bytes()))


if __name__ == "__main__":
    main()
