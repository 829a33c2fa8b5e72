"""The exact coder beside `cwebp -lossless -m 6 -q 100`, JPEG XL effort 7 and PNG: bytes a picture, and speeds.

    python benchmarks/exact_pictures.py GRAPHICS
    python benchmarks/exact.py photographs=KODAK graphics=GRAPHICS -o docs/figures/exact.json
    python benchmarks/exact.py KODAK --near 1          within this error: exact and WebP, the others lossless

Debian: webp. JPEG XL by imagecodecs (PyPI), if it is there. Speeds are of one core, by processor time.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import record
from PIL import Image

from hpcmcodec.kernels.exact import Samples, exact_decode, exact_encode

Row: TypeAlias = tuple[float, float, float]
"""Bytes, seconds of encoding, seconds of decoding."""
SUFFIXES = {".png", ".webp", ".ppm"}


def samples_of(path: Path) -> Samples:
    """(H, W, C); grey and 1-bit pictures with one channel, palettes as the colours that they stand for."""
    with Image.open(path) as picture:
        mode = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(picture.mode, picture.mode)
        found = np.asarray(picture.convert(mode))
    return np.ascontiguousarray(found if found.ndim == 3 else found[..., None])


def webp(path: Path, samples: Samples, near: int) -> Row:
    """Of cwebp; within an error of `near` by its nearest setting (2 for each bit that it drops)."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.png"), Path(folder, "a.webp")
        Image.fromarray(samples.squeeze(2) if samples.shape[2] == 1 else samples).save(source, compress_level=1)
        command = ["cwebp", "-quiet", "-lossless", "-exact", "-m", "6", "-q", "100", str(source), "-o", str(target)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *(["-near_lossless", str(100 - 20 * near)] if near else [])], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        data = target.read_bytes()
    start = time.process_time()
    Image.open(io.BytesIO(data)).load()
    return len(data), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.process_time() - start


def jxl(path: Path, samples: Samples, near: int) -> Row:
    """Of libjxl at effort 7, which has no setting for a greatest error; nothing without imagecodecs."""
    try:
        import imagecodecs
    except ImportError:
        return 0, 0, 0
    start = time.process_time()
    data = imagecodecs.jpegxl_encode(samples, lossless=True, effort=7, numthreads=1)
    middle = time.process_time()
    imagecodecs.jpegxl_decode(data, numthreads=1)
    return len(data), middle - start, time.process_time() - middle


def png(path: Path, samples: Samples, near: int) -> Row:
    """Of Pillow's best PNG."""
    buffer = io.BytesIO()
    picture = Image.fromarray(samples.squeeze(2) if samples.shape[2] == 1 else samples)
    start = time.process_time()
    picture.save(buffer, "PNG", optimize=True)
    middle = time.process_time()
    Image.open(buffer).load()
    return buffer.tell(), middle - start, time.process_time() - middle


def exact(path: Path, samples: Samples, near: int, effort: int) -> Row:
    """Of the exact coder; the faster of two turns. Raises SystemExit for a picture that comes back wrong."""
    turns = []
    for _ in range(2):
        start = time.process_time()
        data = exact_encode(samples, near=near, effort=effort)
        middle = time.process_time()
        decoded = exact_decode(data, samples.shape, samples.dtype)  # type: ignore[arg-type]
        turns.append((middle - start, time.process_time() - middle))
    if int(np.abs(decoded.astype(int) - samples).max()) > near:
        raise SystemExit(f"{path} came back wrong")
    return len(data), min(turn[0] for turn in turns), min(turn[1] for turn in turns)


CODECS: dict[str, Callable[[Path, Samples, int], Row]] = {
    "hpc": partial(exact, effort=0),
    "hpc, effort 1": partial(exact, effort=1),
    "WebP": webp,
    "JPEG XL 7": jxl,
    "PNG": png,
}


def measured(folder: Path, near: int, codecs: Sequence[str]) -> dict[str, Any]:
    """Of a folder of pictures: megapixels, and bytes, seconds of encoding and of decoding by picture and codec."""
    rows: dict[str, dict[str, Row]] = {}
    pixels = 0
    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES):
        samples = samples_of(path)
        pixels += samples.shape[0] * samples.shape[1]
        rows[path.stem] = {name: CODECS[name](path, samples, near) for name in codecs}
        print(path.stem, *(f"{name} {row[0]}" for name, row in rows[path.stem].items()), sep=", ", file=sys.stderr)
    return {"pixels": pixels, "pictures": rows}


def summary(found: dict[str, Any]) -> record.Table:
    """Bytes in all, beside those of WebP and JPEG XL, and speeds."""
    rows = list(found["pictures"].values())
    sums = {name: np.sum([row[name] for row in rows], axis=0) for name in rows[0]}
    others = [name for name in ("WebP", "JPEG XL 7") if name in sums and sums[name][0]]
    lines = []
    for name, (size, *seconds) in sums.items():
        ratios = [f"{size / sums[other][0]:.3f}" for other in others]
        above = [f"{sum(row[name][0] > row[other][0] for row in rows)} of {len(rows)}" for other in others]
        speeds = [f"{found['pixels'] / 1e6 / s:.2f}" if s else "" for s in seconds]
        lines.append([name, f"{size:,.0f}", *ratios, *above, *speeds])
    heads = [*(f"of {name}'s" for name in others), *(f"larger than {name}'s" for name in others)]
    return record.table(["codec", "bytes", *heads, "encode MP/s", "decode MP/s"], lines)


def by_picture(found: dict[str, Any]) -> record.Table:
    """Bytes of every picture."""
    pictures = found["pictures"]
    lines = [[name.replace("_", " "), *(f"{size:,.0f}" for size, *_ in row.values())] for name, row in pictures.items()]
    return record.table(["picture", *next(iter(pictures.values()))], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER", help="pictures; their tables have this name")
    parser.add_argument("--near", type=int, default=0, help="greatest error of a sample, for the exact coder and WebP")
    parser.add_argument("--without", nargs="+", default=[], choices=CODECS, help="such as WebP, which takes minutes")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    found, tables = {}, {}
    codecs = [name for name in CODECS if name not in options.without]
    for word in options.folders:
        name, _, folder = word.rpartition("=")
        name = name or Path(folder).name
        found[name] = measured(Path(folder), options.near, codecs)
        tables[name] = summary(found[name])
        tables[f"{name}-by-picture"] = by_picture(found[name])
    record.report(found, tables, options.output)


if __name__ == "__main__":
    main()
