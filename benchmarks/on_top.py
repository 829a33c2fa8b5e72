"""What makes a learned picture exact, or nearly so: coded alone, or on top of it, as what it lacks.

python benchmarks/on_top.py PICTURE... -o docs/figures/on-top.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import record

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.picture import Samples
from hpcmcodec.formats.picture_input import read_picture
from hpcmcodec.kernels.exact import exact_encode

QUALITIES = (25, 50, 75, 100)
WANTED = ((0, 0), (0, 1), (1, 0), (2, 0))
"""The greatest error and the effort."""
SIDE = 256
"""Of the small tiles that are looked at too."""


def tiles(pixels: Samples, side: int) -> Iterable[Samples]:
    """Of this side, or smaller at the edges."""
    for top in range(0, pixels.shape[0], side):
        for left in range(0, pixels.shape[1], side):
            yield np.ascontiguousarray(pixels[top : top + side, left : left + side])


def sizes(pixels: Samples, shown: Samples, near: int, effort: int, side: int) -> list[tuple[int, int]]:
    """Of each tile: bytes alone, and on top of what is shown."""
    return [
        (
            len(exact_encode(tile, near=near, effort=effort)),
            len(exact_encode(tile, near=near, effort=effort, reference=below)),
        )
        for tile, below in zip(tiles(pixels, side), tiles(shown, side), strict=True)
    ]


def measured(path: Path, encoder: Encoder) -> list[dict[str, Any]]:
    """A row for each quality, greatest error and effort. `tiles` are those of SIDE, `whole` is the picture as one."""
    picture = read_picture(path)
    rows = []
    for quality in QUALITIES:
        learned = encoder.encode(picture, quality, exact_tiles=False)
        shown = Decoder().decode(learned).pixels
        for near, effort in WANTED:
            both = {
                "whole": sizes(picture.pixels, shown, near, effort, max(picture.pixels.shape)),
                "tiles": sizes(picture.pixels, shown, near, effort, SIDE),
            }
            rows.append({"quality": quality, "near": near, "effort": effort, "learned": len(learned), **both})
    return rows


def summary(found: dict[str, list[dict[str, Any]]]) -> record.Table:
    """Over all pictures, by quality, greatest error and effort."""
    lines = []
    for rows in zip(*found.values(), strict=True):
        one = rows[0]
        alone, top = np.sum([row["whole"][0] for row in rows], axis=0)
        best = sum(min(row["whole"][0]) for row in rows)
        learned = sum(row["learned"] for row in rows)
        small = [tile for row in rows for tile in row["tiles"]]
        lines.append(
            [
                one["quality"],
                one["near"],
                one["effort"],
                *(f"{size:,}" for size in (learned, alone, top)),
                f"{sum(row['whole'][0][1] < row['whole'][0][0] for row in rows)} of {len(rows)}",
                f"{sum(tile[1] < tile[0] for tile in small)} of {len(small)}",
                *(f"{(learned + size) / alone:.3f}" for size in (best, sum(map(min, small)))),
            ]
        )
    heads = [
        "learned",
        "alone",
        "on top",
        "on top is smaller",
        f"of tiles of {SIDE}",
        "file, of one without `-q`",
        f"in tiles of {SIDE}",
    ]
    return record.table(["`-q`", "greatest error", "effort", *heads], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    kernels.set_threads(1)
    encoder = Encoder()
    found = {}
    for path in options.pictures:
        found[path.stem] = measured(path, encoder)
        print(path.stem, flush=True)
    record.report(found, {"pictures": summary(found)}, options.output, f"model {encoder.model.name}")


if __name__ == "__main__":
    main()
