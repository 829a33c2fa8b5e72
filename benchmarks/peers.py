"""Bytes, time and memory of hpcm beside the codecs that people have, by `hpcm bench` on a few pictures.

    python benchmarks/peers.py PICTURE... [--points 5] [--threads 1] [-o FILE]

BD-rates against JPEG with 95 % intervals over the pictures, seconds of CPU per megapixel in a warm process on
processors of its own, peak of the process with interpreter and libraries.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import record

from hpcmcodec.bench.codecs import DEFAULTS
from hpcmcodec.bench.machine import choose_processors
from hpcmcodec.bench.run import Listener, bench
from hpcmcodec.bench.sweep import Options

ANCHOR = "jpeg"


def distance(of_codec: Mapping[str, Any], metric: str, digits: int = 1) -> str:
    """A BD-rate with its interval; the anchor's is 0."""
    found = of_codec["distances"].get(metric)
    if not found:
        return "0"
    low, high = found["interval"]
    return f"{found['rate']:+.{digits}f} % [{low:.{digits}f}, {high:.{digits}f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--points", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    listener = Listener(
        lambda path, error: sys.exit(f"{path}: {error}"),
        lambda text: print(text, file=sys.stderr),
        lambda step: print(f"\r{step.done} of {step.total}", end="", file=sys.stderr),
    )
    options = Options(
        DEFAULTS,
        arguments.threads,
        repeats=1,
        points=arguments.points,
        processors=choose_processors(arguments.threads),
    )
    with tempfile.TemporaryDirectory() as folder:
        results = bench(arguments.pictures, options, Path(folder), listener, anchor=ANCHOR, crops=0)
    print(file=sys.stderr)
    rows = []
    for spec, found in results.summary["codecs"].items():
        about = results.codecs[spec]
        seconds = (f"{found[side]['cpu_seconds']:.3f}" for side in ("encode", "decode"))
        rates = (distance(found, metric) for metric in ("psnr", "ms_ssim"))
        rows.append([f"{about['label']} ({about['about']})", *rates, *seconds, f"{found['peak_bytes'] / 1e6:.0f}"])
    columns = ["codec", "BD-rate, PSNR", "BD-rate, MS-SSIM", "encode, CPU s/MP", "decode, CPU s/MP", "MB"]
    note = f"{', '.join(path.stem for path in arguments.pictures)}; {arguments.threads} thread"
    record.report(results.summary, {"codecs": record.table(columns, rows)}, arguments.output, note)


if __name__ == "__main__":
    main()
