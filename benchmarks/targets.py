"""How exactly and with how many trials `--target-bpp`, `--target-psnr` and `--target-ssimulacra2` are met.

python benchmarks/targets.py PICTURE... [--bpp 0.3,0.8] [--psnr 30,33] [--ssimulacra2 50,70] [-o FILE]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import record

from hpcmcodec import info
from hpcmcodec.codec import Encoder
from hpcmcodec.codec.target import Measure, Target, Unmet
from hpcmcodec.codec.trials import Trials
from hpcmcodec.formats.pictures import read_picture


class Counted:
    """A measure, its calls and its last value."""

    def __init__(self, measure: Measure) -> None:
        self._measure, self.values = measure, dict[bytes, float]()

    def __call__(self, quality: float) -> tuple[float, bytes]:
        value, data = self._measure(quality)
        self.values[data] = value
        return value, data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--bpp", default="0.3,0.8")
    parser.add_argument("--psnr", default="30,33")
    parser.add_argument("--ssimulacra2", default="50,70")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    encoder = Encoder()
    pictures = [read_picture(path) for path in arguments.pictures]
    targets = [Target(bpp=float(v)) for v in arguments.bpp.split(",")]
    targets += [Target(psnr=float(v)) for v in arguments.psnr.split(",")]
    targets += [Target(ssimulacra2=float(v)) for v in arguments.ssimulacra2.split(",")]
    rows = []
    for target in targets:
        off, trials, seconds = [], [], []
        for picture in pictures:
            made = Trials(encoder, picture, tile_size=None)
            counted = Counted(made.size if not target.fidelity else made.psnr if target.psnr else made.ssimulacra2)
            start = time.perf_counter()
            data = target.search(counted, made.pixels)
            if isinstance(data, Unmet):  # out of the model's range
                continue
            if info(data).quality in (1, 100):
                continue
            seconds.append(time.perf_counter() - start)
            trials.append(len(counted.values))
            if target.fidelity is None:
                off.append(100 * (counted.values[data] * 8 / made.pixels / (target.bpp or 1) - 1))
            else:
                off.append(counted.values[data] - target.fidelity)
        unit = "%" if target.fidelity is None else "dB" if target.psnr else "points"
        wanted = f"{target.bpp} bits per pixel" if target.fidelity is None else f"{target.fidelity:g} {unit}"
        if target.ssimulacra2:
            wanted = f"SSIMULACRA2 {target.ssimulacra2:g}"
        misses = f"{min(off):+.2f} to {max(off):+.2f} {unit}"
        counts = (f"{len(off)} of {len(pictures)}", misses, f"{np.mean(trials):.1f}", max(trials))
        rows.append([wanted, *counts, f"{np.mean(seconds):.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
    columns = ["target", "pictures in range", "off by", "trials, mean", "most", "s a picture"]
    record.report(rows, {"targets": record.table(columns, rows)}, arguments.output)


if __name__ == "__main__":
    main()
