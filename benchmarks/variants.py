"""What a variant costs: whole `hpcm encode` and `hpcm decode` processes, beside the plain network.

    python benchmarks/variants.py PICTURE [--family multiref] [--plain lite] [--weights lite-8] [--phases p1 p2 p3]
                                  [--megapixels 0.1 0.4 2 12] [--runs 3] [--threads 2] [--quality 50]

The picture is repeated, mirrored at its borders, or cut to about each size. All models have the same weights, of a
model or (without --weights) initial ones, where they have the same parts. With a memory bank (multiref) gates are
closed: all code the same symbols and differ in what they compute. Models take turns, so that a machine that slows down
slows all; times are seconds of CPU, medians, memory is the peak of the process. The last lines are seconds for each
further megapixel between sizes: equal where time is linear in pixels.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

from commands import run
from groups import enlarged

from hpcmcodec import kernels
from hpcmcodec.models import store
from hpcmcodec.models.export import export_model
from hpcmcodec.models.presets import preset
from hpcmcodec.models.registry import build
from hpcmcodec.train.initial import fitted, from_layers, from_model

Figures = tuple[float, float]
"""Seconds of CPU and MB at the peak, of one command."""


def variant_name(family: str, plain: str, phase: str) -> str:
    """The preset of a family that extends a plain one."""
    return f"{family}-{phase}" if plain == "base" else f"{plain}-{family}-{phase}"


def make_models(folder: Path, plain: str, variants: list[str], weights: str | None) -> list[str]:
    """Model files of the plain network and its variants, in a folder; their names, the plain one first."""
    start = from_model(weights) if weights else from_layers(preset(plain), 0)
    names = [plain, *variants]
    for name in names:
        config = start.config if name == plain else preset(name)
        arrays = start.arrays if name == plain else fitted(start, config, 0).arrays
        distribution = "logistic" if build(config).rate == "variable" else "generalised_gaussian"
        export_model(folder / f"{name}.safetensors", name, config, arrays, distribution=distribution)
    return names


def measure(models: list[str], picture: Path, arguments: argparse.Namespace) -> dict[tuple[str, str], Figures]:
    """Medians for each (command, model)."""
    common = ["--threads", str(arguments.threads), "--force"]
    found: dict[tuple[str, str], list[Figures]] = {}
    for _ in range(arguments.runs):
        for model in models:
            file, copy = str(picture.with_name(f"{model}.hpc")), str(picture.with_name("copy.ppm"))
            quality = ["-q", str(arguments.quality)] if build(preset(model)).rate == "variable" else []
            for command, more in (
                ("encode", [str(picture), "-o", file, "--model", model, *quality]),
                ("decode", [file, "-o", copy]),
            ):
                found.setdefault((command, model), []).append(run([command, *more, *common])[1:])
    sizes = {picture.with_name(f"{model}.hpc").stat().st_size for model in models}
    print(f"  files of {min(sizes)} to {max(sizes)} bytes")
    return {key: tuple(statistics.median(column) for column in zip(*runs, strict=True)) for key, runs in found.items()}  # type: ignore[misc]


def report(found: dict[tuple[str, str], Figures], plain: str) -> None:
    """A line for each command and model, ratios to the plain network's."""
    for (command, model), (cpu, memory) in found.items():
        of_cpu, of_memory = (a / b for a, b in zip((cpu, memory), found[command, plain], strict=True))
        print(f"  {command} {model:17} {cpu:8.2f} s of CPU ({of_cpu:.2f}) {memory:6.0f} MB ({of_memory:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("--family", default="multiref", choices=["multiref", "rwkv"])
    parser.add_argument("--plain", default="lite", choices=["lite", "base"])
    parser.add_argument("--weights")
    parser.add_argument("--phases", nargs="+", default=["p1", "p2", "p3"])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.1, 0.4, 2, 12])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", type=int, default=50)
    arguments = parser.parse_args()
    print(f"{kernels.simd_level()}, {arguments.threads} threads, medians of {arguments.runs}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variants = [variant_name(arguments.family, arguments.plain, phase) for phase in arguments.phases]
        models = make_models(folder, arguments.plain, variants, arguments.weights)
        os.environ[store.ENVIRONMENT] = name
        results = []
        for size in arguments.megapixels:
            picture = enlarged(arguments.picture, size, folder / "a.png")
            results.append(measure(models, picture, arguments))
            report(results[-1], arguments.plain)
        sizes = list(zip(arguments.megapixels, results, strict=True))
        for key in results[0] if len(sizes) > 1 else ():
            steps = [f"{(b[key][0] - a[key][0]) / (y - x):.2f}" for (x, a), (y, b) in pairwise(sizes)]
            print(f"{' '.join(key)}: {', '.join(steps)} s for each further megapixel")


if __name__ == "__main__":
    main()
