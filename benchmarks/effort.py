"""What `hpcm encode --effort` gains and takes: BD-rate and CPU time against effort 0.

    python benchmarks/effort.py FOLDER [--levels 0,1,2,3,4,5,6] [-q 10,37,63,90] [--crop 256] [--every 1] [-o FILE]

Whole files with their headers, RGB PSNR; one thread, model loaded; BD-rates of the means over the pictures. `--crop`:
the middle of each picture only; `--every N`: each Nth picture.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import record

from hpcmcodec.bench.curves import distance
from hpcmcodec.bench.metrics import psnr
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import Picture, read_picture


def middle(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """A square of at most this side from the middle."""
    if size is None:
        return pixels
    top, left = (max(0, (side - size) // 2) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def measure(encoder: Encoder, decoder: Decoder, pixels: np.ndarray, quality: int, level: int) -> dict[str, Any]:
    start = time.process_time()
    data = encoder.encode(Picture(pixels), quality, effort=level)
    seconds = time.process_time() - start
    bpp = 8 * len(data) / (pixels.shape[0] * pixels.shape[1])
    return {"bpp": bpp, "psnr": psnr(pixels, decoder.decode(data).pixels), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--levels", default="0,1,2,3,4,5,6")
    parser.add_argument("-q", "--qualities", default="10,37,63,90")
    parser.add_argument("--crop", type=int)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    encoder, decoder = Encoder(threads=1), Decoder()
    levels, qualities = ([int(n) for n in text.split(",")] for text in (arguments.levels, arguments.qualities))
    paths = sorted(path for path in arguments.folder.iterdir() if path.is_file())[:: arguments.every]
    found: dict[int, dict[int, list[dict[str, Any]]]] = {level: {q: [] for q in qualities} for level in levels}
    for done, path in enumerate(paths, 1):
        pixels = middle(read_picture(path).pixels, arguments.crop)
        for level in levels:
            for quality in qualities:
                found[level][quality].append(measure(encoder, decoder, pixels, quality, level))
        print(f"\r{done} of {len(paths)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    names = ", ".join(path.stem for path in paths)
    record.report(found, {"levels": levels_table(found)}, arguments.output, f"{names}; one thread, model loaded")


def levels_table(found: dict[int, dict[int, list[dict[str, Any]]]]) -> record.Table:
    """One row for each level."""
    curves = {}
    for level, by_quality in found.items():
        means = {q: {k: np.mean([row[k] for row in rows]) for k in rows[0]} for q, rows in by_quality.items()}
        curves[level] = {key: np.array([mean[key] for mean in means.values()]) for key in ("bpp", "psnr", "seconds")}
    first = next(iter(curves.values()))
    columns = ["effort", f"BD-rate against effort {min(found)}", "CPU time of its", "CPU s a picture"]
    columns += [f"rate and PSNR at `-q {quality}`" for quality in next(iter(found.values()))]
    rows = []
    for level, curve in curves.items():
        gap = distance((first["bpp"], first["psnr"]), (curve["bpp"], curve["psnr"]))
        seconds = curve["seconds"].mean()
        changes = zip(curve["bpp"] / first["bpp"], curve["psnr"] - first["psnr"], strict=True)
        texts = [f"{100 * (bits - 1):+.1f} % {decibels:+.2f} dB" for bits, decibels in changes]
        times = seconds / first["seconds"].mean()
        rate = 0.0 if gap is None else gap.rate
        rows.append([level, f"{rate:+.1f} %", f"{times:.1f}", f"{seconds:.2f}", *texts])
    return record.table(columns, rows)


if __name__ == "__main__":
    main()
