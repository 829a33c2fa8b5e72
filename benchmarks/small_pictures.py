"""What `hpcm decode --scale` gives and takes: CPU time against the whole decode, PSNR against the picture made small.

    python benchmarks/small_pictures.py PHOTO... [-q 50] [--threads 1]

In one process with the model loaded, the least of three runs each; `whole` is the PSNR of the whole decode made small.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import read_picture

SCALES = (1, 2, 4, 8)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


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
    print("scale  CPU s  of whole  PSNR   whole")
    for scale, (seconds, ours, best) in zip(SCALES, np.array(rows).mean(0), strict=True):
        share = seconds / np.array(rows).mean(0)[0, 0]
        print(f"1/{scale}    {seconds:5.3f}  {share:7.2f}  {ours:5.2f}  {best:5.2f}")


if __name__ == "__main__":
    main()
