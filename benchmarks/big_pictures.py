"""Time and peak memory of `hpcm encode`, `hpcm decode` and `hpcm decode --region` against the number of pixels.

    python benchmarks/big_pictures.py PHOTO [--megapixels 0.1,1,3,12,24,48] [--threads 2] [--max-memory 2G] [-o FILE]

Pictures are the photo and its mirror images side by side, as often as it takes, so every pixel is about equally hard.
Whole processes as in `commands.py`, one run each, PPM in and out; the region is of 512x512 pixels in the middle.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from commands import run
from PIL import Image

ASPECT = 4 / 3
REGION = 512


def mosaic(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3): the photo, mirrored to the right and downwards."""
    pair = np.concatenate((photo, photo[:, ::-1]), 1)
    block = np.concatenate((pair, pair[::-1]), 0)
    repeats = (-(-height // block.shape[0]), -(-width // block.shape[1]), 1)
    return np.tile(block, repeats)[:height, :width]


def measure(photo: np.ndarray, megapixels: float, options: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """One row for each command."""
    height = round(math.sqrt(megapixels * 1e6 / ASPECT))
    width = round(megapixels * 1e6 / height)
    source, coded, decoded = (folder / name for name in ("a.ppm", "a.hpc", "b.ppm"))
    Image.fromarray(mosaic(photo, height, width)).save(source)
    region = f"{(width - REGION) // 2},{(height - REGION) // 2},{REGION},{REGION}"
    commands = {
        "encode": ["encode", str(source), "-o", str(coded)],
        "decode": ["decode", str(coded), "-o", str(decoded)],
        "region": ["decode", str(coded), "-o", str(decoded), "--region", region],
    }
    if min(height, width) < REGION:
        del commands["region"]
    for name, command in commands.items():
        wall, cpu, memory = run([*command, *options, "--force"])
        yield {
            "command": name,
            "megapixels": width * height / 1e6,
            "size": f"{width}x{height}",
            "seconds": wall,
            "cpu_seconds": cpu,
            "peak_mb": memory,
            "bytes": coded.stat().st_size,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--megapixels", default="0.1,1,3,12,24,48")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-memory")
    parser.add_argument("-o", "--output", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    options = ["--threads", str(arguments.threads)]
    if arguments.max_memory:
        options += ["--max-memory", arguments.max_memory]
    photo = np.asarray(Image.open(arguments.photo).convert("RGB"))
    rows = []
    print("command   size          MP     s      s/MP   CPU s   peak MB")
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in map(float, arguments.megapixels.split(",")):
            for row in measure(photo, megapixels, options, Path(folder)):
                rows.append(row)
                print(
                    f"{row['command']:9} {row['size']:11} {row['megapixels']:5.1f} {row['seconds']:7.2f}"
                    f" {row['seconds'] / row['megapixels']:6.2f} {row['cpu_seconds']:7.2f} {row['peak_mb']:8.0f}",
                    flush=True,
                )
    if arguments.output:
        arguments.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
