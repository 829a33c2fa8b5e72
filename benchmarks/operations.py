"""Time of every operation of programs, and the network's share of the processor's multiply-add rate.

    python benchmarks/operations.py [--megapixels 0.393216,12] [--picture PICTURE] [-o FILE]

Operations are those of real programs: every node of the shipped model, on the maps of a picture of 512x768, and of the
small models of the conformance files for what it has none of. Each runs alone, unfused, on numbers at random; seconds
of CPU of one thread, the best of three. The network's share: multiply-adds of decoding a picture of so many megapixels
(PICTURE, mirrored until it has them; else noise) by the seconds of CPU that decoding takes in a warm process, entropy
coding and rounding to samples included, against a kernel that does nothing but multiply and add. Padding counts as
work. Counting the network's multiply-adds needs torch.
"""

from __future__ import annotations

import argparse
import json
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import record

from hpcmcodec import Decoder, Encoder, kernels
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.kernels.program import operation_names, run_operation
from hpcmcodec.models import store
from hpcmcodec.models.cost import cost
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.nn.sizes import Size

VARIANTS = Path(__file__).parents[1] / "tests/conformance/variants/models.json"
ENTRIES = ("condition", "latents", "picture", "preview", "analysis", "hyper_analysis")
RUNS = 3
RATES = 20
"""Measurements of the processor's rate, of which the best counts: other load only ever slows one down."""


@dataclass
class Taken:
    """Of all nodes of one operation."""

    calls: int = 0
    seconds: float = 0.0
    elements: int = 0


def measure(
    program: dict[str, Any], arrays: Any, grid: tuple[int, int], taken: dict[str, Taken], only: set[str]
) -> None:
    """Add the times of a program's operations that are in `only`."""
    rng = np.random.default_rng(1)

    def noise(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    for part in (program["entries"][name] for name in ENTRIES if name in program["entries"]):
        values = [
            noise(channels, 1, 1)
            if rows is None
            else noise(channels, Size(*rows).at(grid[0]), Size(*columns).at(grid[1]))
            for _, channels, rows, columns in part["inputs"]
        ]
        for name, operands, *attributes in part["nodes"]:
            given = [operand(one, values, arrays) for one in operands]
            if name == "code":
                values.append(noise(*given[0].shape))
                continue
            times = []
            for _ in range(RUNS if name in only else 1):
                start = time.thread_time()
                made = run_operation(name, given, attributes, grid)
                times.append(time.thread_time() - start)
            if name in only:
                found = taken[name]
                found.calls += 1
                found.seconds += min(times)
                found.elements += made.size
            values.append(noise(*made.shape))  # of the usual size, whatever the weights


def operand(one: Any, values: list[np.ndarray], arrays: Any) -> Any:
    """An operand as a program names it: a value, a parameter or rows of one, a number, or nothing."""
    if one is None or isinstance(one, int):
        return None if one is None else values[one]
    if isinstance(one, str):
        return arrays[one]
    if len(one) == 1:
        return np.full((1, 1, 1), struct.unpack("<f", struct.pack("<I", one[0]))[0], np.float32)
    name, first, count = one
    return np.ascontiguousarray(arrays[name][first : first + count])


def small_models() -> Iterator[tuple[str, dict[str, Any], dict[str, np.ndarray]]]:
    """Name, program and weights of the conformance files' models."""
    rng = np.random.default_rng(1)
    for name, model in json.loads(VARIANTS.read_text()).items():
        network = build(config_from_dict(model["config"]))
        arrays = {k: 0.1 * rng.standard_normal(spec.shape).astype(np.float32) for k, spec in network.specs().items()}
        yield name, program_of(network), arrays


def operations() -> dict[str, dict[str, Any]]:
    """By operation: of which model, calls, milliseconds of all of them, nanoseconds for each element of a result."""
    shipped, left = store.find(None), set(operation_names())
    results: dict[str, dict[str, Any]] = {}

    def of_model(name: str, program: dict[str, Any], arrays: Any) -> None:
        stride: int = program["stride"]
        taken: defaultdict[str, Taken] = defaultdict(Taken)
        unit = program["unit"] // stride
        grid = tuple(-(-side // stride // unit) * unit for side in (512, 768))
        measure(program, arrays, grid, taken, left)
        for operation, found in taken.items():
            left.discard(operation)
            each = found.seconds / max(found.elements, 1) * 1e9
            results[operation] = {
                "model": name,
                "calls": found.calls,
                "ms": round(found.seconds * 1e3, 3),
                "ns_each": round(each, 3),
            }

    of_model(shipped.name, shipped.program, shipped.tensors)
    for name, program, arrays in small_models():
        if left & {node[0] for part in program["entries"].values() for node in part["nodes"]}:
            of_model(name, program, arrays)
    assert not left, left
    return dict(sorted(results.items()))


def share(megapixels: float, picture: Path | None, rate: float) -> dict[str, Any]:
    """Multiply-adds a second of decoding, and their share of the processor's `rate`."""
    pixels = of_size(megapixels, picture)
    data = Encoder(threads=1).encode(Picture(pixels), 50)
    decoder, seconds = Decoder(threads=1), []
    for _ in range(RUNS if megapixels < 4 else 1):
        start = time.process_time()
        decoder.decode(data)
        seconds.append(time.process_time() - start)
    model = store.find(None)
    rows, columns = (-(-side // model.program["unit"]) * model.program["unit"] for side in pixels.shape[:2])
    work = cost(build(config_from_dict(model.config))).decoding * 1000 * rows * columns
    return {
        "megapixels": round(pixels.shape[0] * pixels.shape[1] / 1e6, 2),
        "cpu_seconds": round(min(seconds), 3),
        "gmac": round(work / 1e9, 1),
        "gmac_per_second": round(work / min(seconds) / 1e9, 1),
        "processor_gmac_per_second": round(rate / 1e9, 1),
        "share": round(work / min(seconds) / rate, 3),
    }


def of_size(megapixels: float, picture: Path | None) -> np.ndarray:
    """Colours of so many megapixels."""
    if picture is None:
        side = int((megapixels * 1e6) ** 0.5)
        return np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    from PIL import Image
    from scaling import resized

    return resized(np.asarray(Image.open(picture).convert("RGB")), megapixels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", default="0.393216,12")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    kernels.set_threads(1)
    rate = max(kernels.multiply_add_rate() for _ in range(RATES))
    shares = [share(float(size), arguments.picture, rate) for size in arguments.megapixels.split(",") if size]
    alone = operations()
    for name, found in alone.items():
        print(f"{name:20}", *(f"{value:>16}" for value in found.values()))
    columns = ["megapixels", "CPU s", "10^9 multiply-adds a second", "of the processor's"]
    rows = [[f["megapixels"], f["cpu_seconds"], f["gmac_per_second"], f"{f['share']:.0%}"] for f in shares]
    tables = {"network": record.table(columns, rows)}
    record.report({"network": shares, "operations": alone}, tables, arguments.output)


if __name__ == "__main__":
    main()
