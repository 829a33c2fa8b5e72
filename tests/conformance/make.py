"""Makes the conformance files of a model: hpc files of formula pictures, and the hashes of their decoded pixels.

    python tests/conformance/make.py [--model lite-8]

Files that are there are kept: what version 1 once wrote must decode to the same pixels for ever. Only missing ones are
made, and only they get a new line in pixels.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from choices import choice_files
from formula_pictures import formula_graphic, formula_picture

from hpcmcodec.codec import Decoder, Encoder, exact
from hpcmcodec.codec.encoder import Options, encode_exactly
from hpcmcodec.codec.refine import LEVELS
from hpcmcodec.diagnose import pixels_hash
from hpcmcodec.formats import container, model_file
from hpcmcodec.formats.chunks import Chunk
from hpcmcodec.formats.exact import COLOURS, ON_TOP
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store

FOLDER = Path(__file__).parent

CASES: dict[str, tuple[int, int, int, bool, int]] = {  # height, width, channels, alpha, quality
    "q1": (64, 128, 3, False, 1),
    "q50": (64, 128, 3, False, 50),
    "q100": (64, 128, 3, False, 100),
    "odd": (101, 67, 3, False, 75),
    "pixel": (1, 1, 3, False, 50),
    "line": (1, 150, 3, False, 30),
    "grey": (70, 90, 1, False, 60),
    "alpha": (64, 80, 3, True, 40),
}
"""What each file exercises: the ends and the middle of the quality scale, sizes off the grid, grey, alpha."""


def laid_on_top(encoder: Encoder, picture: Picture) -> bytes:
    """A file that is exact on top of its learned picture, whether or not that is the smaller way."""
    header, tiles = encoder.learned(picture, 60, Options(None, LEVELS[0]))
    shown = encoder.decoded(encoder.file(replace(header, alpha=False), tiles, (), Picture(picture.pixels)))
    places = list(exact.rectangles(header))
    parts = exact.encode_tiles(header, places, [(COLOURS | ON_TOP, picture.pixels, 0)], None, shown.pixels)
    return encoder.file(header, tiles, exact.merged(parts, exact.encode_alpha(header, picture, None)), picture)


def exact_files() -> dict[str, bytes]:
    """Files with exact tiles; those of more than 8 bits have a folder of their own, since not every user of the decoder
    has them. Alone in 8 and 16 bits, palettes, copies, within an error, in tiles; on top of lite-8."""
    photo, graphic = formula_picture(48, 60, 3), formula_graphic(50, 70, 3)
    alpha = formula_picture(50, 70, 1)[:, :, 0]
    wide = formula_picture(30, 41, 3).astype(np.uint16) * 251 + formula_picture(30, 41, 3)[::-1]
    y, x, c = np.mgrid[:48, :60, :3]
    noise = ((((y * 60 + x) * 3 + c + 1) * 2654435761 % 2**32) ** 2 >> 23).astype(np.uint8)[:16, :20]
    soft = (np.abs((2 * x + y + 9 * c) % 120 - 60) + np.abs((3 * y + 20) % 160 - 80) + photo // 16).astype(np.uint8)
    on_top = Picture(soft, alpha[:48, :60].copy())
    return {
        "exact-photo": encode_exactly(Picture(photo)),
        "exact-near": encode_exactly(Picture(photo), 2),
        "exact-plain": encode_exactly(Picture(noise)),
        "exact-palette": encode_exactly(Picture(graphic)),
        "exact-copies": encode_exactly(Picture(graphic + (photo[:50].max() // 128), alpha)),
        "deep/exact-grey-16": encode_exactly(Picture(np.ascontiguousarray(wide[:, :, :1]), depth=16)),
        "deep/exact-pq-10": encode_exactly(Picture(wide[:20, :30] >> 6, depth=10, cicp=(9, 16, 1))),
        "deep/exact-tiles-12": encode_exactly(Picture((wide >> 4).repeat(2, 0).repeat(2, 1), depth=12), tile_size=64),
        "exact-tiles": encode_exactly(Picture(formula_graphic(100, 150, 1)), tile_size=64),
        "exact-on-top": laid_on_top(Encoder("lite-8"), on_top),
    }


def adapter_files() -> dict[str, bytes]:
    """One file of each shipped model that builds on another, by name."""
    shipped = [model_file.peek(path) for path in sorted(store.shipped_folder().glob(f"*{store.SUFFIX}"))]
    height, width, channels, _, quality = CASES["odd"]
    picture = Picture(formula_picture(height, width, channels))
    return {
        f"adapters/{model.name}": Encoder(model.name).encode(picture, quality, exact_tiles=False)
        for model in shipped
        if model.base is not None
    }


def part_files() -> dict[str, bytes]:
    """Files with parts that the others lack: all metadata beside what only later versions know, a quality between two,
    entropy tiles with their index, and flat blocks."""
    encoder, picture = Encoder("lite-8"), formula_picture(70, 128, 3)
    small = Picture(picture[:64, :128].copy(), icc=b"no profile" * 20, exif=b"II*\0" + bytes(50), xmp=b"<x/>" * 20)
    plain = Options(None, LEVELS[0])
    header, tiles = encoder.learned(small, 37.5, plain)
    known = {"icc": small.icc, "exif": small.exif, "xmp": small.xmp}
    later = Chunk(0x3F, b"of a later version")
    page = formula_picture(3, 4, 3).repeat(32, 0).repeat(32, 1)
    page[40:90, 20:110] = picture[:50, :90]
    return {
        "parts/metadata": container.write(replace(header, unknown={64: "later"}), tiles, **known, extra=[later]),
        "parts/tiles": encoder.encode(Picture(picture[:, :100].copy()), 40, tile_size=64, exact_tiles=False),
        "parts/flats": encoder.file(
            *encoder.learned(Picture(page), 60, plain), (), Picture(page), exact.encode_flats(page)
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lite-8")
    model = parser.parse_args().model
    encoder, decoder = Encoder(model), Decoder()
    record = FOLDER / "pixels.json"
    hashes = json.loads(record.read_text()) if record.exists() else {}
    for case, (height, width, channels, with_alpha, quality) in CASES.items():
        path = FOLDER / f"{model}-{case}.hpc"
        if path.exists():
            continue
        alpha = formula_picture(height, width, 1)[:, :, 0] if with_alpha else None
        data = encoder.encode(Picture(formula_picture(height, width, channels), alpha), quality, exact_tiles=False)
        path.write_bytes(data)
        hashes[path.name] = pixels_hash(decoder.decode(data))
    record.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")
    for name, data in {**exact_files(), **adapter_files(), **part_files(), **choice_files()}.items():
        path = FOLDER / f"{name}.hpc"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            record = path.with_name("pixels.json")
            hashes = json.loads(record.read_text()) if record.exists() else {}
            hashes[path.name] = pixels_hash(decoder.decode(data))
            record.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
