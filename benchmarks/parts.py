"""Where the CPU time of `hpcm decode` goes, how near decoding comes to the processor's multiply-add rate, and what an
encoder's look for what is better coded exactly takes.

    python benchmarks/parts.py PICTURE [--runs 9] [--quality 50] [-o FILE]

One thread, medians of seconds of CPU, which other load on the machine disturbs least. Start-up is `hpcm info`,
which needs no model; the other parts are measured in this process, the model's file being cached.
Counting the network's multiply-adds needs torch.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import record
from commands import measure
from PIL import Image

import hpcmcodec
from hpcmcodec import kernels
from hpcmcodec.codec.api import as_picture
from hpcmcodec.codec.choose import looks_exact
from hpcmcodec.codec.exact import encode_flats
from hpcmcodec.models import store
from hpcmcodec.models.cost import cost
from hpcmcodec.models.registry import build, config_from_dict


def process(*arguments: str) -> float:
    """CPU seconds of a Python process."""
    return measure(list(arguments))[1]


def median(runs: int, measure: Callable[[], float]) -> float:
    measure()
    return statistics.median(measure() for _ in range(runs))


def timed(function: Callable[[], object]) -> float:
    """CPU seconds of a call, in all threads."""
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    with Image.open(options.picture) as image:
        width, height = image.size
        picture = as_picture(image.convert("RGB"))
    encoder = hpcmcodec.Encoder(threads=1)
    data = encoder.encode(picture, options.quality)
    file, decoder = store.find(None), hpcmcodec.Decoder(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        coded, out = Path(folder, "a.hpc"), str(Path(folder, "a.ppm"))
        coded.write_bytes(data)
        decode = ["-m", "hpcmcodec", "decode", str(coded), "-o", out, "--force", "--threads", "1"]
        info = ["-m", "hpcmcodec", "info", str(coded)]
        parts = {
            "whole process": median(options.runs, lambda: process(*decode)),
            "start-up": median(options.runs, lambda: process(*info)),
            "model load": median(options.runs, lambda: timed(lambda: store.for_core(file.path))),
            "decoding": median(options.runs, lambda: timed(lambda: decoder.decode(data))),
        }
    work = cost(build(config_from_dict(file.config))).decoding * 1000 * width * height
    rate, best = work / parts["decoding"], kernels.multiply_add_rate()
    rows = [[name, f"{seconds:.3f}", f"{seconds / parts['whole process']:.0%}"] for name, seconds in parts.items()]
    note = f"{options.picture.stem}, {work / 1e9:.1f} thousand million multiply-adds, decoding does {rate / 1e9:.1f}"
    note += f" a second, {rate / best:.0%} of the processor's {best / 1e9:.1f}"
    looks = {
        "encoding": median(options.runs, lambda: timed(lambda: encoder.encode(picture, options.quality))),
        "looking for graphics": median(options.runs, lambda: timed(lambda: looks_exact(picture))),
        "looking for flat blocks": median(options.runs, lambda: timed(lambda: encode_flats(picture.pixels))),
    }
    shares = [[name, f"{seconds:.3f}", f"{seconds / looks['encoding']:.1%}"] for name, seconds in looks.items()]
    tables = {
        "parts": record.table(["part of `hpcm decode`", "CPU s", "of the whole"], rows),
        "looks": record.table(["in an encoder", "CPU s", "of encoding"], shares),
    }
    record.report(parts | looks, tables, options.output, note)


if __name__ == "__main__":
    main()
