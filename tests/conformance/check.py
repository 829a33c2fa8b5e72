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
    found = [check(Path(folder), level) for folder in sys.argv[1:] for level in levels]
    sys.exit(not all(found))


def check(folder: Path, level: str) -> bool:
    """Whether all files of a folder decode to the recorded pixels at a level; says so of each."""
    kernels.set_simd_level(level)
    recorded: dict[str, str] = json.loads((folder / RECORD).read_text())
    decoder, sound = Decoder(), 0
    for name, expected in sorted(recorded.items(), key=lambda item: (folder / item[0]).stat().st_size):
        same = pixels_hash(decoder.decode((folder / name).read_bytes())) == expected
        print(f"{platform.machine()} {level} {name}: {'the recorded pixels' if same else 'OTHER PIXELS'}", flush=True)
        sound += same
    print(f"{platform.machine()} {level}: {sound} of {len(recorded)} files in {folder} give the recorded pixels")
    return sound == len(recorded)


if __name__ == "__main__":
    main()
