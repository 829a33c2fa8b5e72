"""What `hpcm decode --scale` gives and takes: CPU time against the whole decode, PSNR against the picture made small.

    python benchmarks/small_pictures.py PHOTO... [-q 50] [--threads 1] [-o FILE]

In one process with the model loaded, the least of three runs each; `whole` is the PSNR of the whole decode made small.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import record

from hpcmcodec.bench.metrics import psnr
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import read_picture

SCALES = (1, 2, 4, 8)


def shrink(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Means over squares of scale x scale pixels."""
    rows, columns = (-(-side // scale) for side in pixels.shape[:2])
    padded = np.pad(
        pixels.astype(float), ((0, rows * scale - len(pixels)), (0, columns * scale - pixels.shape[1]), (0, 0)), "edge"
    )
    cells = padded.reshape(rows, scale, columns, scale, -1).mean((1, 3))
    return np.rint(cells).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("-q", "--quality", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    encoder, decoder = Encoder(threads=arguments.threads), Decoder()
    rows: list[list[tuple[float, float, float]]] = []
    for path in arguments.photos:
        picture = read_picture(path)
        data = encoder.encode(picture, arguments.quality)
        whole = decoder.decode(data).pixels
        row = []
        for scale in SCALES:
            seconds = []
            for _ in range(3):
                start = time.process_time()
                small = decoder.decode(data, scale=scale).pixels
                seconds.append(time.process_time() - start)
            source = shrink(picture.pixels, scale)
            row.append((min(seconds), psnr(small, source), psnr(shrink(whole, scale), source)))
        rows.append(row)
    means = np.array(rows).mean(0)
    shown = [
        [f"1/{scale}", f"{seconds:.3f}", f"{seconds / means[0, 0]:.2f}", f"{ours:.1f}", f"{best:.1f}"]
        for scale, (seconds, ours, best) in zip(SCALES, means, strict=True)
    ]
    columns = ["scale", "CPU s", "of the whole decode's", "PSNR in dB", "the whole decode made small"]
    names = ", ".join(path.stem for path in arguments.photos)
    record.report(rows, {"scales": record.table(columns, shown)}, arguments.output, names)


if __name__ == "__main__":
    main()
