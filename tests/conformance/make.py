"""Makes the conformance files of a model: hpc files of formula pictures, and the hashes of their decoded pixels.

    python tests/conformance/make.py [--model lite-8]

Files that are there are kept: what version 1 once wrote must decode to the same pixels for ever. Only missing ones are
made, and only they get a new line in pixels.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.diagnose import pixels_hash
from hpcmcodec.formats.pictures import Picture

FOLDER = Path(__file__).parent


def formula_picture(height: int, width: int, channels: int) -> np.ndarray:
    """Stripes, checks and integer noise; the same on every machine. uint8 (H, W, C)."""
    y, x, c = np.mgrid[:height, :width, :channels]
    noise = ((y * 7919 + x * 104729 + c * 1299709) * 2654435761 >> 7) % 64
    waves = np.abs((x * (2 + c) + 3 * y + 17 * c) % 160 - 80) + 60 * ((x // 24 + y // 20 + c) % 2)
    return (waves + noise // 2 + 30).clip(0, 255).astype(np.uint8)


CASES: dict[str, tuple[int, int, int, bool, int]] = {  # height, width, channels, alpha, quality
    "q1": (64, 128, 3, False, 1),
    "q50": (64, 128, 3, False, 50),
    "q100": (64, 128, 3, False, 100),
    "odd": (101, 67, 3, False, 75),
    "pixel": (1, 1, 3, False, 50),
    "line": (1, 150, 3, False, 30),
    "grey": (70, 90, 1, False, 60),
    "alpha": (64, 80, 3, True, 40),
}
"""What each file exercises: the ends and the middle of the quality scale, sizes off the grid, grey, alpha."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lite-8")
    model = parser.parse_args().model
    encoder, decoder = Encoder(model), Decoder()
    record = FOLDER / "pixels.json"
    hashes = json.loads(record.read_text()) if record.exists() else {}
    for case, (height, width, channels, with_alpha, quality) in CASES.items():
        path = FOLDER / f"{model}-{case}.hpc"
        if path.exists():
            continue
        alpha = formula_picture(height, width, 1)[:, :, 0] if with_alpha else None
        data = encoder.encode(Picture(formula_picture(height, width, channels), alpha), quality, exact_tiles=False)
        path.write_bytes(data)
        hashes[path.name] = pixels_hash(decoder.decode(data))
    record.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
