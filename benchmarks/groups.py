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

import numpy as np
from commands import run
from PIL import Image

from hpcmcodec import kernels
from hpcmcodec.models import store
from hpcmcodec.models.export import export_model
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.lite.regroup import fewer_groups
from hpcmcodec.models.registry import config_from_dict


def make_models(folder: Path) -> list[str]:
    """Model files g8, g4, g2 in a folder; their names."""
    file = store.find()
    config: LiteConfig = config_from_dict(file.config)
    weights = {name: np.array(a) for name, a in file.tensors.items() if not name.startswith("entropy.")}
    sets = {8: weights}
    sets |= {groups: fewer_groups(weights, config.latent_channels, 8, groups) for groups in (4, 2)}
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
