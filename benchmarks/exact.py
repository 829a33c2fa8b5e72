"""The exact coder beside `cwebp -lossless -m 6 -q 100`, JPEG XL effort 7 and PNG: bytes a picture, and speeds.

    python benchmarks/exact_pictures.py GRAPHICS && python benchmarks/exact.py GRAPHICS > docs/exact-graphics.txt
    python benchmarks/exact.py KODAK [--near 1]          --near: exact and WebP within this error, the others lossless

Debian: webp. JPEG XL by imagecodecs (PyPI), if it is there. Speeds are of one core, by processor time.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TypeAlias

import numpy as np
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


def exact(path: Path, samples: Samples, near: int) -> Row:
    """Of the exact coder. Raises SystemExit for a picture that comes back wrong."""
    start = time.process_time()
    data = exact_encode(samples, near=near)
    middle = time.process_time()
    decoded = exact_decode(data, samples.shape, samples.dtype)  # type: ignore[arg-type]
    end = time.process_time()
    if int(np.abs(decoded.astype(int) - samples).max()) > near:
        raise SystemExit(f"{path} came back wrong")
    return len(data), middle - start, end - middle


CODECS = {"exact": exact, "webp": webp, "jxl 7": jxl, "png": png}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--near", type=int, default=0, help="greatest error of a sample, for the exact coder and WebP")
    options = parser.parse_args()
    command = f"python benchmarks/exact.py {options.folder.name.upper()} --near {options.near}"
    print(f"# {command}, {time.strftime('%Y-%m-%d')}")
    print(f"{'picture':20}" + "".join(f" {name:>9}" for name in CODECS) + "  of webp  of jxl")
    rows, pixels = [], 0.0
    for path in sorted(p for p in options.folder.iterdir() if p.suffix in SUFFIXES):
        samples = samples_of(path)
        rows.append(np.array([run(path, samples, options.near) for run in CODECS.values()]))
        pixels += samples.shape[0] * samples.shape[1] / 1e6
        print(_line(path.stem, rows[-1][:, 0]), flush=True)
    sizes, encoding, decoding = np.sum(rows, axis=0).T
    print(_line("total", sizes))
    for what, seconds in (("encode MP/s", encoding), ("decode MP/s", decoding)):
        print(f"{what:20}" + "".join(f" {pixels / s if s else 0:9.2f}" for s in seconds))
    smaller = [sum(row[0, 0] <= row[i, 0] for row in rows) for i in (1, 2)]
    print(f"no larger than WebP: {smaller[0]} of {len(rows)}; than JPEG XL: {smaller[1]}")


def _line(name: str, sizes: np.ndarray) -> str:
    ratios = [sizes[0] / other if other else 0 for other in sizes[1:3]]
    return f"{name[:20]:20}" + "".join(f" {size:9.0f}" for size in sizes) + f" {ratios[0]:8.3f} {ratios[1]:7.3f}"


if __name__ == "__main__":
    main()
