"""Sound files for the fuzzers to start from, and files with right checksums around anything."""

from __future__ import annotations

import io
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats import container, header
from hpcmcodec.formats.chunks import ORDER, Chunk, assemble, leb128
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.export import export_model
from tests.codec.conftest import TINY, picture, tiny_arrays
from tests.formats import model_files

CONFORMANCE = Path(__file__).parent.parent / "conformance"
FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM", "TGA", "ICO", "PCX", "QOI", "SGI", "JPEG2000", "AVIF")


@cache
def tiny_decoder() -> tuple[Decoder, bytes]:
    """A decoder that knows a small model, and a file of that model."""
    folder = tempfile.mkdtemp()
    export_model(Path(folder, "tiny.safetensors"), "tiny", TINY, tiny_arrays(0))
    os.environ["HPCM_MODELS"] = folder
    data = Encoder("tiny").encode(Picture(picture(20, 30), None), 50)
    return Decoder(), data


def forged(packed: bytes, chunks: Sequence[Chunk]) -> bytes:
    """A file with valid checksums around any header and chunks."""
    head = bytes([container.VERSION]) + leb128(len(packed)) + packed
    crc = zlib.crc32(head)
    return container.SIGNATURE + head + struct.pack("<I", crc) + assemble(chunks, crc)


def pack(packed: bytes, chunks: Sequence[Chunk]) -> bytes:
    """A header and chunks without checksums, for `unpack`: what the fuzzer changes."""
    parts = [bytes([chunk.kind]) + struct.pack("<H", len(chunk.payload)) + chunk.payload for chunk in chunks]
    return bytes([len(packed)]) + packed + b"".join(parts)


def unpack(data: bytes) -> tuple[bytes, list[Chunk]]:
    """Inverse of `pack` for any bytes."""
    length = data[0] if data else 0
    packed, position, chunks = data[1 : 1 + length], 1 + length, []
    while position + 3 <= len(data) and len(chunks) < 100:
        kind, size = struct.unpack_from("<BH", data, position)
        chunks.append(Chunk(kind & ~0x40, data[position + 3 : position + 3 + size]))
        position += 3 + size
    return packed, chunks


@cache
def small_model(real: bool = True) -> bytes:
    """A model file; the real one is of a network that can be built, the other one smaller."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.safetensors")
        if real:
            export_model(path, "tiny", TINY, tiny_arrays(0))
        else:
            model_files.write(path)
        return path.read_bytes()


def described_model(part: str, text: str) -> bytes:
    """The real small model with another text of its head: "hpcmcodec", "hpcmcodec.about", or "config" in the first."""
    data = small_model()
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8 : 8 + length])
    texts = head["__metadata__"]
    if part == "config":
        before, after = texts["hpcmcodec"].split(_config(texts), 1)
        texts["hpcmcodec"] = before + text + after
    else:
        texts[part] = text
    raw = json.dumps(head).encode()
    return struct.pack("<Q", len(raw)) + raw + data[8 + length :]


def _config(texts: dict[str, str]) -> str:
    """The config as it stands in the manifest."""
    manifest = texts["hpcmcodec"]
    start = manifest.index('"config":') + len('"config":')
    _, end = json.JSONDecoder().raw_decode(manifest[start:].lstrip())
    return manifest[start:].lstrip()[:end]


def _files() -> list[bytes]:
    return [path.read_bytes() for path in sorted(CONFORMANCE.glob("lite-*.hpc")) if path.stat().st_size < 1000]


def _bodies() -> list[bytes]:
    made = []
    for data in (*_files(), _full()):
        file = container.read(data)
        chunks = sorted((*file.latents, *file.exact_chunks, *file.others), key=lambda chunk: chunk.kind & ORDER)
        made.append(pack(header.pack(file.header), chunks))
    return made


def _full() -> bytes:
    """A file with every kind of chunk."""
    tiny_decoder()
    plane = np.tile(np.arange(80, dtype=np.uint8), (70, 1))
    blocks = {"icc": b"profile" * 30, "exif": b"II*\0" + bytes(50), "xmp": b"<x/>" * 20}
    return Encoder("tiny").encode(Picture(picture(70, 80), plane, **blocks), tile_size=64)


def _models() -> list[bytes]:
    data = small_model()
    (length,) = struct.unpack_from("<Q", data)
    texts = json.loads(data[8 : 8 + length])["__metadata__"]
    small = [small_model(real=False)[:n] for n in (None, 500)]
    return [
        *(b"\0" + raw for raw in small),
        b"\1" + _config(texts).encode(),
        b"\2" + texts["hpcmcodec.about"].encode(),
        b"\3" + texts["hpcmcodec"].encode(),
    ]


def _pictures() -> list[bytes]:
    made = []
    for format in FORMATS:
        for mode in ("L", "RGB", "RGBA", "P", "1", "CMYK", "I;16"):
            buffer = io.BytesIO()
            try:
                Image.fromarray(picture(16, 16)).convert(mode).save(buffer, format)
            except Exception:  # this format has no such mode
                continue
            made.append(buffer.getvalue())
    return made


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "container": _files,
    "chunks": _bodies,
    "decode": lambda: [bytes(1), bytes(range(64)), bytes([255] * 64)],
    "exact": lambda: [bytes(1), bytes(range(64)), bytes([255] * 64)],
    "model": _models,
    "picture": _pictures,
}
