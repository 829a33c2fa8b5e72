"""Seeds for fuzz_library: small programs that use every operation, with weights, tables and files that decode.

usage: python -m tests.fuzz.library_seeds FOLDER [--networks]

--networks: small real networks too, which take ten times as long to run.

A seed has the parts that fuzz_library.cpp splits: request, program, weights, tables, file. Parameters are named by
their dimensions, w4x2x3x3_7; in the file, the model's id is a placeholder and all checksums are 0.
"""

from __future__ import annotations

import json
import re
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.codec import exact
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.formats import container, model_file
from hpcmcodec.formats.chunks import read_chunk, read_leb128
from hpcmcodec.formats.container import Tile
from hpcmcodec.formats.exact import ExactPart
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.kernels.encode import GivenTile
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.program import canonical, program_of
from hpcmcodec.models.registry import build
from tests.codec.conftest import picture
from tests.formats.model_files import tables
from tests.fuzz import program_seeds

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance" / "variants"))
import variants

ID = b"FUZZFUZZ"
LITE = LiteConfig(8, 4, (4, 8, 8), (1, 1, 1), (8, 8), (1, 1))
NETWORKS = {
    "lite": LITE,
    "lite-g2": replace(LITE, checkerboard_groups=2),
    "rwkv": replace(LITE, rwkv=replace(variants.RWKV, phase=2, scan="cross")),
}
REQUESTS = (
    bytes(8),
    bytes([0, 2, 3, 5, 9, 7, 0, 0]),
    bytes([1, 2, 0, 0, 12, 8, 0, 0]),
    bytes([2, 1 | 4, 0, 0, 0, 0, 0, 0]),
    bytes([128, 6, 0, 0, 0, 0, 0, 0]),
)
"""Scale and flags, what is done, a rectangle: as fuzz_library.cpp reads them."""


class Model:
    """A program whose parameters have names of the form that the fuzzer makes values for, and values."""

    def __init__(self, program: Mapping[str, Any], values: Mapping[str, np.ndarray], *, trellis: bool) -> None:
        kept = {name: entry for name, entry in program["entries"].items() if not name.endswith("analysis")}
        text = canonical({**program, "entries": kept})
        used = [name for name in values if json.dumps(name) in text]
        names = {name: f"w{'x'.join(map(str, values[name].shape))}_{k}" for k, name in enumerate(used)}
        for old, new in names.items():
            text = text.replace(json.dumps(old), json.dumps(new))
        self.program: dict[str, Any] = json.loads(text)
        self.bytes = {
            names[name]: np.clip(np.rint(values[name] * 64), -128, 127).astype(np.int8) for name in sorted(used)
        }
        self.tables = tables() | (trellis_tables() if trellis else {})

    def seed(self, request: bytes, file: bytes) -> bytes:
        """The fuzzer's input."""
        weights = b"".join(self.bytes[name].tobytes() for name in sorted(self.bytes))
        order = ("cdf", "starts", "lengths", "offsets", "y_thresholds", "z_thresholds", "levels")
        arrays = [self.tables[name] for name in order if name in self.tables]
        table = b"".join(struct.pack("<H", array.size) + array.tobytes() for array in arrays)
        parts = (request, canonical(self.program).encode(), weights, table)
        return b"".join(struct.pack("<H", len(part[:0xFFFF])) + part[:0xFFFF] for part in parts) + file

    def codec(self) -> CodecModel:
        """The same, to encode with."""
        arrays = {name: values.astype(np.float32) / np.float32(64) for name, values in self.bytes.items()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "fuzz.safetensors")
            config = {"family": "fuzz"}
            model_file.write(path, name="fuzz", config=config, program=self.program, tensors=arrays, **self.tables)
            return CodecModel.load(model_file.read(path))


def trellis_tables() -> dict[str, np.ndarray]:
    """Tables of a model with two quantisers, from those without."""
    plain = tables()
    return {
        **{name: np.tile(plain[name], 3) for name in ("starts", "lengths", "offsets")},
        "levels": np.tile(np.array([0.7, 1.4, 2.1, 0.7], np.float32), 6),
    }


def file_of(model: Model, height: int, width: int, *, alpha: bool = False, tile_size: int = 0) -> bytes:
    """A file of random latents, with metadata, and with alpha and flat blocks where it is asked for."""
    codec = model.codec()
    program = model.program
    quality = 50 if codec.rate == "variable" else None
    head = Header(width, height, "fuzz", ID, streams=codec.streams, quality=quality, tile_size=tile_size, alpha=alpha)
    rng = np.random.default_rng(height)
    given = []
    for top, left in (
        (y, x) for y in range(0, height, tile_size or height) for x in range(0, width, tile_size or width)
    ):
        size = min(tile_size or height, height - top), min(tile_size or width, width - left)
        grid = TileGrid.of(codec, *size, 0).latent
        hyper = (-(-side * codec.stride // program["hyper_stride"]) for side in grid)
        y, z = (
            rng.normal(0, 2, shape).astype(np.float32)
            for shape in ((codec.latent_channels, *grid), (program["hyper_channels"], *hyper))
        )
        given.append(GivenTile(*size, y, z))
    tiles = [Tile(tuple(coded.streams), 0) for coded in codec.tiles.encode(given, codec.condition(quality))]
    made = Picture(
        np.repeat(np.repeat(picture(height // 16 + 1, width // 16 + 1), 16, 0), 16, 1)[:height, :width].copy()
    )
    plane = np.tile(np.arange(width, dtype=np.uint8), (height, 1))
    parts = exact.encode_alpha(head, replace(made, alpha=plane), None) if alpha else ()
    blocks = {"icc": b"profile" * 9, "exif": b"II*\0" + bytes(20), "xmp": b"<x/>" * 9} if alpha else {}
    flats = exact.encode_flats(made.pixels) if alpha else None
    return unchecked(
        container.write(head, tiles, exact=[replace(part, check=0) for part in parts], flats=flats, **blocks)
    )


def exact_files() -> Iterator[bytes]:
    """Files that need no model."""
    flat, soft = np.repeat(picture(4, 9), 6, 0), picture(30, 41)
    for made, near in ((Picture(soft), 0), (Picture(soft, soft[:, :, 0].copy()), 2), (Picture(flat), 0)):
        read = container.read(encode_exactly(made, near))
        parts: list[ExactPart] = [replace(part, check=0) for part in read.exact]
        yield unchecked(container.write(read.header, (), exact=parts))


def unchecked(data: bytes) -> bytes:
    """A file with all checksums 0."""
    made = bytearray(data)
    length, at = read_leb128(memoryview(data), 5)
    ends = [at + length + 4]
    last = False
    while not last:
        _, end, last = read_chunk(memoryview(data), ends[-1], 0)
        ends.append(end)
    for end in ends:
        made[end - 4 : end] = bytes(4)
    return bytes(made)


def by_hand() -> Iterator[Model]:
    """The programs of program_seeds, which use every operation: each picture with one of the entries `latents`."""
    made = program_seeds
    for number, nodes in enumerate(made.PICTURES):
        latents = made.LATENTS[number % len(made.LATENTS)]
        text = made.program(
            condition=made.CONDITION, picture=made._picture(*nodes), latents=made._latents(*latents)
        ).decode()
        wide = {
            name: "x".join("16" if side == "g" else side for side in name[1:])
            for name in re.findall(r'"(w[1-9g]+)"', text)
        }
        rng = np.random.default_rng(number)
        values = {name: rng.normal(0, 0.4, [int(side) for side in wide[name].split("x")]) for name in sorted(wide)}
        yield Model(json.loads(text), values, trellis=number % 2 == 0)


def models(networks: bool) -> Iterator[Model]:
    """All models of seeds."""
    yield from by_hand()
    for number, config in enumerate(NETWORKS.values() if networks else ()):
        network = build(config)
        yield Model(program_of(network), variants.weights(network), trellis=number % 2 == 0)


def seeds(networks: bool = False) -> Iterator[bytes]:
    """Inputs: each model with a plain file, one with everything, and one cut off, by different requests."""
    some = None
    for number, model in enumerate(models(networks)):
        some, side = some or model, model.program["unit"]
        sizes = ((13, 22), (70, 65)) if side < 64 else ((40, 60), (64, 33))
        files = file_of(model, *sizes[0]), file_of(model, *sizes[1], alpha=True, tile_size=0 if 64 % side else 64)
        requests = REQUESTS[number % 4], REQUESTS[(number + 2) % 4], REQUESTS[4]
        for file, request in zip((*files, files[0][:-20]), requests, strict=True):
            yield model.seed(request, file)
    assert some is not None
    for file in exact_files():
        yield some.seed(REQUESTS[0], file)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds("--networks" in sys.argv)):
        (target / f"seed-{index}").write_bytes(data)
