"""Our SSIMULACRA2 beside the reference program's, of pictures coded by several codecs at several qualities.

    python benchmarks/ssimulacra2.py PICTURE... --reference PROGRAM [-o FILE]

PROGRAM is `ssimulacra2` 2.1 of github.com/cloudinary/ssimulacra2, which takes two PNG files and prints a number. Each
picture is coded once; kinds and qualities take turns.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import record
from PIL import Image

import hpcmcodec
from hpcmcodec.formats.pictures import read_picture
from hpcmcodec.ssimulacra2 import ssimulacra2

KINDS: tuple[tuple[str, float], ...] = (
    ("JPEG", 10),
    ("WEBP", 50),
    ("hpcm", 30),
    ("AVIF", 40),
    ("JPEG", 50),
    ("hpcm", 70),
    ("WEBP", 90),
    ("JPEG", 75),
    ("AVIF", 85),
    ("hpcm", 100),
    ("JPEG", 95),
)


def coded(pixels: np.ndarray, kind: str, quality: float) -> np.ndarray:
    """RGB -> what a codec makes of it."""
    image = Image.fromarray(pixels)
    if kind == "hpcm":
        return np.asarray(hpcmcodec.decode(hpcmcodec.encode(image, quality)))
    file = BytesIO()
    image.save(file, kind, quality=int(quality))
    return np.asarray(Image.open(file).convert("RGB"))


def by_program(program: Path, original: np.ndarray, decoded: np.ndarray) -> float:
    """What the reference program prints."""
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder) / name) for name in ("original.png", "decoded.png")]
        for name, pixels in zip(names, (original, decoded), strict=True):
            Image.fromarray(pixels).save(name)
        return float(subprocess.run([program, *names], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(arguments.pictures):
        kind, quality = KINDS[number % len(KINDS)]
        pixels = np.ascontiguousarray(read_picture(path).pixels)
        pixels = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
        decoded = coded(pixels, kind, quality)
        start = time.process_time()
        ours = ssimulacra2(pixels, decoded)
        seconds = time.process_time() - start
        if ours is None:
            raise SystemExit(f"{path} is too small")
        theirs = by_program(arguments.reference.resolve(), pixels, decoded)
        rows.append({
            "picture": path.name, "width": pixels.shape[1], "height": pixels.shape[0], "codec": kind,
            "quality": quality, "ours": ours, "reference": theirs, "cpu_seconds": round(seconds, 3),
        })  # fmt: skip
        print(f"{path.name:30} {kind:5} {quality:5} {ours:9.4f} {theirs:9.4f} {ours - theirs:8.4f}", flush=True)
    kinds = [*dict.fromkeys(row["codec"] for row in rows), "all"]
    columns = ["coded by", "pictures", "largest difference", "on average", "CPU s, median"]
    table = record.table(columns, [described(kind, rows) for kind in kinds])
    record.report(rows, {"differences": table}, arguments.output)


def described(kind: str, rows: list[dict[str, Any]]) -> list[str]:
    """How far ours is from the reference program over the pictures of one codec, or of all."""
    chosen = [row for row in rows if kind in (row["codec"], "all")]
    off = [abs(row["ours"] - row["reference"]) for row in chosen]
    seconds = statistics.median(row["cpu_seconds"] for row in chosen)
    return [kind, f"{len(chosen)}", f"{max(off):.2f}", f"{sum(off) / len(off):.3f}", f"{seconds:.2f}"]


if __name__ == "__main__":
    main()
