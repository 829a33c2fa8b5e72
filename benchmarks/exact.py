"""The exact coder beside `cwebp -lossless -m 6 -q 100` and JPEG XL effort 7: bytes and speed, one picture a line.

    python benchmarks/exact_pictures.py GRAPHICS && python benchmarks/exact.py GRAPHICS > docs/exact-graphics.txt
    python benchmarks/exact.py KODAK [--near 1]          --near: ours within this error; the others stay lossless

Debian: webp. JPEG XL by imagecodecs (PyPI), if it is there. Speeds are of one core, by processor time.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from hpcmcodec.kernels.exact import Samples, exact_decode, exact_encode

SUFFIXES = {".png", ".webp", ".ppm"}


def samples_of(path: Path) -> Samples:
    """(H, W, C); grey and 1-bit pictures with one channel, palettes as the colours that they stand for."""
    with Image.open(path) as picture:
        mode = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(picture.mode, picture.mode)
        found = np.asarray(picture.convert(mode))
    return np.ascontiguousarray(found if found.ndim == 3 else found[..., None])


def webp_bytes(samples: Samples) -> int:
    """Of cwebp."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.png"), Path(folder, "a.webp")
        Image.fromarray(samples.squeeze(2) if samples.shape[2] == 1 else samples).save(source, compress_level=1)
        command = ["cwebp", "-quiet", "-lossless", "-exact", "-m", "6", "-q", "100", str(source), "-o", str(target)]
        subprocess.run(command, check=True)
        return target.stat().st_size


def jxl_bytes(samples: Samples) -> int:
    """Of libjxl at effort 7; 0 without imagecodecs."""
    try:
        import imagecodecs
    except ImportError:
        return 0
    return len(imagecodecs.jpegxl_encode(samples, lossless=True, effort=7, numthreads=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--near", type=int, default=0, help="greatest error of the exact coder; the others stay lossless"
    )
    options = parser.parse_args()
    totals = np.zeros(6)
    print(f"# python benchmarks/exact.py {options.folder.name.upper()}, {time.strftime('%Y-%m-%d')}")
    wins = count = 0
    print(f"{'picture':20} {'exact':>9} {'webp':>9} {'jxl 7':>9} {'of webp':>8} {'enc MP/s':>9} {'dec MP/s':>9}")
    for path in sorted(p for p in options.folder.iterdir() if p.suffix in SUFFIXES):
        samples = samples_of(path)
        start = time.process_time()
        data = exact_encode(samples, near=options.near)
        middle = time.process_time()
        decoded = exact_decode(data, samples.shape, samples.dtype)  # type: ignore[arg-type]
        end = time.process_time()
        if int(np.abs(decoded.astype(int) - samples).max()) > options.near:
            raise SystemExit(f"{path} came back wrong")
        pixels = samples.shape[0] * samples.shape[1] / 1e6
        row = np.array([len(data), webp_bytes(samples), jxl_bytes(samples), pixels, middle - start, end - middle])
        totals += row
        wins += row[0] <= row[1]
        count += 1
        print(_line(path.stem, row), flush=True)
    print(_line("total", totals))
    print(f"no larger than WebP: {wins} of {count}; of JPEG XL: {totals[0] / totals[2] if totals[2] else 0:.3f}")


def _line(name: str, row: np.ndarray) -> str:
    own, webp, jxl, pixels, encoding, decoding = row
    speeds = f"{pixels / encoding:9.2f} {pixels / decoding:9.2f}"
    return f"{name[:20]:20} {own:9.0f} {webp:9.0f} {jxl:9.0f} {own / webp:8.3f} {speeds}"


if __name__ == "__main__":
    main()
