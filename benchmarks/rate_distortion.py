"""Rate-distortion of hpc files against JPEG, WebP and AVIF on a folder of pictures.

    python benchmarks/rate_distortion.py FOLDER [--model NAME] [--limit N] [-o results.json]

Real file bytes with every header; RGB PSNR over all pixels of a picture, averaged over pictures; BD-rate by piecewise
cubic interpolation of log-rate over PSNR in the common range (design, section 10). Also checks that bytes and PSNR rise
with quality on every picture.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.api import as_picture

SUFFIXES = {".png", ".webp", ".ppm", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".avif"}
QUALITIES = (1, 12, 25, 38, 50, 62, 75, 88, 100)
YARDSTICK_QUALITIES = (1, 25, 50, 75, 100)
PEERS: dict[str, tuple[str, Sequence[int], dict[str, Any]]] = {
    "JPEG (optimised, 4:2:0)": ("JPEG", (10, 20, 35, 50, 65, 80, 90, 95), {"optimize": True, "subsampling": "4:2:0"}),
    "WebP (method 4)": ("WEBP", (1, 10, 30, 50, 70, 85, 95), {"method": 4}),
    "AVIF (4:4:4, speed 6)": ("AVIF", (15, 25, 40, 55, 70, 85, 93), {"speed": 6, "subsampling": "4:4:4"}),
    "AVIF (4:4:4, speed 3, tune=psnr)": (
        "AVIF",
        (15, 25, 40, 55, 70, 85, 93),
        {"speed": 3, "subsampling": "4:4:4", "advanced": {"tune": "psnr"}},
    ),
}

Point = tuple[float, float]
"""Bits per pixel and PSNR in dB."""
Coder = Callable[[Path, int], tuple[int, np.ndarray]]
"""(picture, setting) -> (bytes of the file, decoded pixels)."""


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """RGB PSNR of two uint8 pictures in dB."""
    mse = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * math.log10(255**2 / max(mse, 1e-9))


def bd_rate(anchor: Sequence[Point], test: Sequence[Point]) -> float:
    """Percent of rate that `test` needs more than `anchor` at equal PSNR."""
    curves = [sorted(curve, key=lambda point: point[1]) for curve in (anchor, test)]
    low, high = max(c[0][1] for c in curves), min(c[-1][1] for c in curves)
    areas = [_pchip_area([p for _, p in c], [math.log(b) for b, _ in c], low, high) for c in curves]
    return (math.exp((areas[1] - areas[0]) / (high - low)) - 1) * 100


def _pchip_area(x: Sequence[float], y: Sequence[float], low: float, high: float) -> float:
    """Integral of the monotone piecewise cubic (Fritsch, Carlson 1980) through the points, by fine sampling."""
    xs, ys = np.asarray(x), np.asarray(y)
    h = np.diff(xs)
    slope = np.diff(ys) / h
    m = np.concatenate((slope[:1], np.zeros(len(xs) - 2), slope[-1:]))
    for i in range(1, len(xs) - 1):
        if slope[i - 1] * slope[i] > 0:
            w1, w2 = 2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]
            m[i] = (w1 + w2) / (w1 / slope[i - 1] + w2 / slope[i])
    t = np.linspace(low, high, 4001)
    k = np.clip(np.searchsorted(xs, t) - 1, 0, len(h) - 1)
    s = (t - xs[k]) / h[k]
    value = (2 * s**3 - 3 * s**2 + 1) * ys[k] + (s**3 - 2 * s**2 + s) * h[k] * m[k]
    value += (3 * s**2 - 2 * s**3) * ys[k + 1] + (s**3 - s**2) * h[k] * m[k + 1]
    return float(((value[1:] + value[:-1]) / 2 * np.diff(t)).sum())


def yardstick(quality: int, bpp: float, mse: float) -> float:
    """(lambda 255^2 MSE + bpp) / sqrt(255 lambda) at the quality's lambda; mse on the 0..1 scale."""
    lam = 0.0018 * (0.0932 / 0.0018) ** ((quality - 1) / 99)
    return (lam * 255**2 * mse + bpp) / math.sqrt(255 * lam)


def sweep(paths: Sequence[Path], settings: Sequence[int], code: Coder) -> list[dict[str, Any]]:
    """Per setting: mean bpp, PSNR, MSE and the per-picture values."""
    rows = []
    for setting in settings:
        pictures = []
        for path in paths:
            original = np.asarray(Image.open(path).convert("RGB"))
            size, decoded = code(path, setting)
            value = psnr(original, decoded)
            pictures.append((8 * size / (original.shape[0] * original.shape[1]), value, 10 ** (-value / 10)))
        bpp, mean_psnr, mse = map(float, np.mean(pictures, axis=0))
        rows.append({"setting": setting, "bpp": bpp, "psnr": mean_psnr, "mse": mse, "pictures": pictures})
    return rows


def ours(model: str | None) -> Coder:
    """Encode and decode with hpcmcodec."""
    encoder, decoder = Encoder(model), Decoder()

    def code(path: Path, quality: int) -> tuple[int, np.ndarray]:
        data = encoder.encode(as_picture(path), quality, strip=True)
        return len(data), decoder.decode(data).pixels

    return code


def pillow(kind: str, options: dict[str, Any]) -> Coder:
    """Encode and decode with Pillow."""

    def code(path: Path, quality: int) -> tuple[int, np.ndarray]:
        buffer = io.BytesIO()
        Image.open(path).convert("RGB").save(buffer, kind, quality=quality, **options)
        return len(buffer.getvalue()), np.asarray(Image.open(buffer).convert("RGB"))

    return code


def monotone(rows: list[dict[str, Any]]) -> bool:
    """Bytes and PSNR rise with quality on every picture."""
    values = np.array([row["pictures"] for row in rows])[:, :, :2]
    return bool((np.diff(values, axis=0) > 0).all())


def points(rows: list[dict[str, Any]]) -> list[Point]:
    """The curve of averages."""
    return [(row["bpp"], row["psnr"]) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int, help="only the first N pictures")
    parser.add_argument("--no-peers", action="store_true", help="leave the other codecs out")
    parser.add_argument("--reuse", type=Path, help="results of an earlier run on the same pictures: its other codecs")
    parser.add_argument("-o", "--output", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.folder.rglob("*") if p.suffix.lower() in SUFFIXES)[: arguments.limit]
    start = time.perf_counter()
    rows = sweep(paths, QUALITIES, ours(arguments.model))
    print(f"{len(paths)} pictures, {time.perf_counter() - start:.0f} s")
    for row in rows:
        print(f"  quality {row['setting']:3d}: {row['bpp']:.4f} bpp  {row['psnr']:.3f} dB")
    print(f"bytes and PSNR rise with quality on every picture: {monotone(rows)}")
    marks = [yardstick(r["setting"], r["bpp"], r["mse"]) for r in rows if r["setting"] in YARDSTICK_QUALITIES]
    print(f"yardstick at qualities {YARDSTICK_QUALITIES}: {np.mean(marks):.4f}")
    results = {"hpcm": rows}
    earlier = json.loads(arguments.reuse.read_text()) if arguments.reuse else {}
    for name, (kind, settings, options) in ({} if arguments.no_peers else PEERS).items():
        results[name] = earlier.get(name) or sweep(paths, settings, pillow(kind, options))
        print(f"BD-rate against {name}: {bd_rate(points(results[name]), points(rows)):+.1f} %", flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
