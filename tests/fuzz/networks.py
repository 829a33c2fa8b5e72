"""Small models of every network and files of theirs, for the fuzzers."""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats import container
from hpcmcodec.formats.chunks import read_leb128
from hpcmcodec.formats.pictures import Picture
from tests.codec.conftest import picture

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance" / "variants"))
import variants

CHOSEN = ("hpcm-chained", "lite-g2", "lite-multiref-p2", "lite-rwkv-p1", "multiref-p3", "rwkv-p4", "wavelet-p5")


@cache
def folder() -> Path:
    """Where the models lie; the store finds them."""
    made = Path(tempfile.mkdtemp())
    recorded = json.loads(variants.RECORD.read_text())
    for name in CHOSEN:
        variants.write_model(made, name, recorded[name]["config"])
    return made


@cache
def model_files() -> dict[str, bytes]:
    """Model files by name."""
    return {name: (folder() / f"{name}.safetensors").read_bytes() for name in CHOSEN}


@cache
def decoder_and_files() -> tuple[Decoder, dict[str, bytes]]:
    """A decoder that knows the models, and files: of every network as recorded, and some with all kinds of chunks."""
    os.environ["HPCM_MODELS"] = str(folder())
    files = {name: (variants.FOLDER / f"{name}.hpc").read_bytes() for name in CHOSEN}
    plane = np.tile(np.arange(90, dtype=np.uint8), (70, 1))
    blocks = {"icc": b"profile" * 30, "exif": b"II*\0" + bytes(50), "xmp": b"<x/>" * 20}
    encoder = Encoder("lite-g2")
    files["tiles"] = encoder.encode(Picture(picture(70, 90), plane, **blocks), 50, tile_size=64)
    files["exact"] = encoder.encode(Picture(picture(40, 50), plane[:40, :50].copy()), near_lossless=0)
    files["grey"] = encoder.encode(Picture(picture(33, 47, 1)), 30)
    decoder = Decoder(limits=container.Limits(max_pixels=1 << 16))
    for data in files.values():
        decoder.decode(data)
    return decoder, files


def header_bytes(data: bytes, start: int) -> tuple[bytes, int]:
    """The packed header of a file whose length stands at `start`, and the place behind it."""
    length, at = read_leb128(memoryview(data), start)
    return data[at : at + length], at + length


def edited(data: bytes, at: int, gone: int, new: bytes) -> bytes:
    """A model file with `gone` bytes of its head's JSON at `at` (modulo its length) replaced by a text."""
    (length,) = struct.unpack_from("<Q", data)
    head = data[8 : 8 + length]
    at %= len(head)
    head = head[:at] + new + head[at + gone :]
    return struct.pack("<Q", len(head)) + head + data[8 + length :]
