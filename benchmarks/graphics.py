"""Graphics at an ordinary quality beside AVIF (4:4:4, speed 6) of no more bytes: who is nearer to the picture?

    python benchmarks/graphics.py FOLDER [--quality 50] [-o FILE]

FOLDER: for instance what exact_pictures.py renders. AVIF's quality is the best whose file is no larger than ours; PSNR
over RGB of what is decoded, infinite where nothing is lost.
"""

from __future__ import annotations

import argparse
import math
from io import BytesIO
from pathlib import Path

import numpy as np
import record
from PIL import Image

import hpcmcodec
from hpcmcodec.bench.metrics import psnr


def distance(a: Image.Image, b: Image.Image) -> float:
    """PSNR in dB over RGB."""
    one, other = np.asarray(a), np.asarray(b.convert("RGB"))
    return math.inf if np.array_equal(one, other) else round(psnr(one, other), 2)


def avif(image: Image.Image, quality: int) -> bytes:
    target = BytesIO()
    image.save(target, "AVIF", quality=quality, subsampling="4:4:4", speed=6)
    return target.getvalue()


def best_avif(image: Image.Image, size: int) -> bytes:
    """Of the best quality that takes no more than `size` bytes, or of the least one."""
    low, high, best = 0, 100, avif(image, 0)
    while high - low > 1:
        middle = (low + high) // 2
        made = avif(image, middle)
        low, high, best = (middle, high, made) if len(made) <= size else (low, middle, best)
    return best


def measure(path: Path, quality: int) -> dict[str, str | float | int]:
    """Bytes and PSNR of both."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    ours = hpcmcodec.encode(image, quality)
    other = best_avif(image, len(ours))
    return {
        "picture": path.stem,
        "bytes": len(ours),
        "psnr": distance(image, hpcmcodec.decode(ours)),
        "avif_bytes": len(other),
        "avif_psnr": distance(image, Image.open(BytesIO(other))),
    }


def shown(value: float) -> str:
    return "exact" if math.isinf(value) else f"{value:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    found = []
    for path in sorted(arguments.folder.glob("*.png")):
        found.append(measure(path, arguments.quality))
        print(found[-1], flush=True)
    rows = [
        [f["picture"], f["bytes"], shown(float(f["psnr"])), f["avif_bytes"], shown(float(f["avif_psnr"]))]
        for f in found
    ]
    columns = ["picture", "ours, bytes", "PSNR, dB", "AVIF, bytes", "PSNR, dB"]
    for one in found:
        one |= {name: str(value) for name, value in one.items() if isinstance(value, float) and math.isinf(value)}
    report = {"quality": arguments.quality, "pictures": found}
    record.report(report, {"graphics": record.table(columns, rows)}, arguments.output)


if __name__ == "__main__":
    main()
