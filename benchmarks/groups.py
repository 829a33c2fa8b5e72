"""Decoding time of lite in 8, 4 and 2 groups at the finest scale: whole `hpcm decode` processes, and file sizes.

    python benchmarks/groups.py PICTURE... [--runs 5] [--threads 2] [--quality 50] [--megapixels N]

The models with fewer groups are made from `lite` by regrouping its weights, without training: their times are
those of such networks, their sizes are only bounds of what training reaches. With --megapixels each picture is first
repeated, mirrored at its borders, or cut to about that size. Models take turns, so that a machine that slows down slows
all.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from commands import run
from PIL import Image

from hpcmcodec import kernels
from hpcmcodec.models import store
from hpcmcodec.models.export import export_model
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.registry import config_from_dict

Weights = dict[str, np.ndarray]
STAGE = "ctx_b"


def whole_slots(w: Weights, m: int) -> Weights:
    """Eight groups to four: the steps of a slot's two halves become one."""
    new = {name: array for name, array in w.items() if not name.startswith(STAGE) or ".blocks." in name}
    new |= {name: w[name] for name in w if name.startswith(f"{STAGE}.embed.0.")}
    half = m // 2
    for t in range(3):
        a, b = 2 * t, 2 * t + 1
        new[f"{STAGE}.mods.{t}.table.rows"] = w[f"{STAGE}.mods.{a}.table.rows"]
        if t:
            first, second = (w[f"{STAGE}.embed.{s}.weight"] for s in (a - 1, a))
            parts = (first[:, :half], second[:, :half], first[:, half:], second[:, half:])
            new[f"{STAGE}.embed.{t}.weight"] = np.concatenate(parts, 1)
            new[f"{STAGE}.embed.{t}.bias"] = w[f"{STAGE}.embed.{a - 1}.bias"] + w[f"{STAGE}.embed.{a}.bias"]
        join(new, w, t, (a, b), half, t + 1)
    return new


def checkerboard(w: Weights, m: int) -> Weights:
    """Four groups to two: the steps of slots 2 and 3 become one, which knows slots 0 and 1."""
    new = {name: array for name, array in w.items() if not name.startswith(STAGE) or ".blocks." in name}
    new |= {name: array for name, array in w.items() if name.startswith(STAGE) and ".0." in name.replace("blocks", "")}
    for name in ("mods.1.table.rows", "embed.1.weight", "embed.1.bias"):
        new[f"{STAGE}.{name}"] = w[f"{STAGE}.{name}"]
    join(new, w, 1, (1, 2), m, 2)
    return new


def join(new: Weights, w: Weights, t: int, steps: tuple[int, int], n: int, known: int) -> None:
    """Heads and neighbour weights of step t from those of two steps of n channels each; `known` slots are used."""
    for part in ("weight", "bias"):
        heads = [w[f"{STAGE}.heads.{s}.{part}"] for s in steps]
        new[f"{STAGE}.heads.{t}.{part}"] = np.concatenate([h[i : i + n] for i in (0, n) for h in heads])
    grids = []
    for s in steps:
        direct = w[f"{STAGE}.direct.{s}.weight"]
        grids.append(direct.reshape(2, -1, n, *direct.shape[1:])[:, :known])  # mean or scale, slot, channel
    joined = np.concatenate(grids, 2)
    new[f"{STAGE}.direct.{t}.weight"] = np.ascontiguousarray(joined.reshape(-1, *joined.shape[3:]))


def make_models(folder: Path) -> list[str]:
    """Model files g8, g4, g2 in a folder; their names."""
    file = store.find("lite")
    config: LiteConfig = config_from_dict(file.config)
    weights = {name: np.array(a) for name, a in file.tensors.items() if not name.startswith("entropy.")}
    four = whole_slots(weights, config.latent_channels)
    sets: dict[int, Any] = {8: weights, 4: four, 2: checkerboard(four, config.latent_channels)}
    for groups, arrays in sets.items():
        changed = replace(config, checkerboard_groups=groups)
        export_model(folder / f"g{groups}.safetensors", f"g{groups}", changed, arrays, distribution="logistic")
    return [f"g{groups}" for groups in sets]


def enlarged(path: Path, megapixels: float | None, to: Path) -> Path:
    """The picture as PNG, repeated or cut to the size that is asked for."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    if megapixels is not None:
        factor = math.sqrt(megapixels * 1e6 / (pixels.shape[0] * pixels.shape[1]))
        rows, columns = (round(side * factor) for side in pixels.shape[:2])
        more = (max(0, rows - pixels.shape[0]), max(0, columns - pixels.shape[1]))
        pixels = np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), "symmetric")[:rows, :columns]
    Image.fromarray(pixels).save(to, compress_level=1)
    print(f"{path.name}: {pixels.shape[1]}x{pixels.shape[0]}, {pixels.shape[0] * pixels.shape[1] / 1e6:.2f} megapixels")
    return to


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("--megapixels", type=float)
    arguments = parser.parse_args()
    print(
        f"{kernels.simd_level()}, {arguments.threads} threads, quality {arguments.quality}, medians of {arguments.runs}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = make_models(folder)
        os.environ[store.ENVIRONMENT] = name
        common = ["--threads", str(arguments.threads), "--force"]
        for path in arguments.pictures:
            picture = enlarged(path, arguments.megapixels, folder / "a.png")
            for model in models:
                quality = ["-q", str(arguments.quality), "--model", model]
                run(["encode", str(picture), "-o", str(folder / f"{model}.hpc"), *quality, *common])
            decode = {m: ["decode", str(folder / f"{m}.hpc"), "-o", str(folder / "a.ppm"), *common] for m in models}
            found = [{model: run(decode[model])[:2] for model in models} for _ in range(arguments.runs)]
            plain = statistics.median(f["g8"][1] for f in found)
            for model in models:
                wall, cpu = (statistics.median(f[model][i] for f in found) for i in (0, 1))
                size = (folder / f"{model}.hpc").stat().st_size
                print(f"  {model}: {wall:.2f} s, {cpu:.2f} s of CPU ({cpu / plain:.2f} of g8), {size} bytes")


if __name__ == "__main__":
    main()
