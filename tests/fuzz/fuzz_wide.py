"""Fuzz targets around whole files and folders: every network and every way to decode, hostile metadata through all
writers, the Pillow plugin, `info` and `verify`, folders of odd names, checkpoints, results.json, an archive's manifest.

Each is a function of bytes, named in `TARGETS`; `fuzz_python.py` runs them. None may raise anything but errors of ours,
nor take more memory than `bounded` allows for its input.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

import hpcmcodec.pillow_plugin  # noqa: F401
from hpcmcodec.batch import CODED, PICTURES, plan
from hpcmcodec.batch.archive import Manifest
from hpcmcodec.bench.results import Results
from hpcmcodec.codec import Decoder
from hpcmcodec.codec.inspect import info, verify
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.errors import HpcmError
from hpcmcodec.formats import container, model_file
from hpcmcodec.formats.pictures import FORMATS, Picture, encode_picture, read_picture
from tests.fuzz import networks
from tests.fuzz.seeds import forged, tiny_decoder, unpack

BASE, PER_BYTE, PER_PIXEL = 24 << 20, 64, 200
"""Bytes of memory that a target may take, for each byte of its input and for each pixel."""
MOST_PIXELS = 1 << 16


@contextmanager
def bounded(size: int, pixels: int = 0, base: int = BASE) -> Iterator[None]:
    """What Python and numpy allocate inside is bounded by the input's bytes and the picture's pixels."""
    if not tracemalloc.is_tracing():
        tracemalloc.start(1)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    yield
    taken = tracemalloc.get_traced_memory()[1] - before
    assert taken <= base + PER_BYTE * size + PER_PIXEL * pixels, f"{taken} bytes for an input of {size}"


class Bytes:
    """Numbers and pieces out of the fuzzer's bytes; zeros where they end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, below: int) -> int:
        piece = self.take(2)
        return int.from_bytes(piece, "little") % below if below else 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def rest(self) -> bytes:
        return self.take(len(self.data))


def changed(data: bytes, source: Bytes) -> bytes:
    """A sound file with bytes of its chunks changed, cut or doubled, its checksums made to fit again."""
    file = container.read(data)
    chunks = [*file.latents, *file.exact_chunks, *file.others]
    chunks.sort(key=lambda chunk: data.index(bytes(chunk.head) + bytes(chunk.payload)))
    for _ in range(source.number(4)):
        place = source.number(len(chunks))
        payload = bytearray(chunks[place].payload)
        kind, at = source.number(4), source.number(len(payload) + 1)
        if kind == 0 and at < len(payload):
            payload[at] ^= 1 + source.number(255)
        elif kind == 1:
            del payload[at : at + source.number(40)]
        elif kind == 2:
            payload[at:at] = source.take(source.number(40))
        else:
            payload[at : at + 4] = source.take(4)
        chunks[place] = replace(chunks[place], payload=bytes(payload))
    start = len(container.SIGNATURE) + 1
    packed, _ = networks.header_bytes(data, start)
    return forged(packed, chunks)


def fuzz_ways(data: bytes) -> None:
    """Files of every network, with tiles, alpha and exact tiles, changed; whole or cut, a region, a scale."""
    source = Bytes(data)
    decoder, files = networks.decoder_and_files()
    name = sorted(files)[source.number(len(files))]
    original = files[name]
    header = container.read(original).header
    made = changed(original, source)
    cut = source.number(3) == 0
    if cut:
        made = made[: len(made) - source.number(len(made))]
    scale = (1, 1, 2, 4, 8)[source.number(5)]
    region = None
    if source.number(2):
        region = tuple(source.number(n + 2) for n in (header.width, header.height, header.width, header.height))
    with bounded(len(made), header.width * header.height, base=64 << 20):
        try:
            picture = decoder.decode(made, region, allow_truncated=cut, scale=scale)  # type: ignore[arg-type]
        except HpcmError:
            return
    width, height = (header.width, header.height) if region is None else region[2:]
    assert picture.pixels.shape[:2] == (-(-height // scale), -(-width // scale)), (picture.pixels.shape, region, scale)


def fuzz_writers(data: bytes) -> None:
    """Any ICC, EXIF and XMP through every writer, and what comes out read again."""
    source = Bytes(data)
    sizes = [source.number(1 << 12) for _ in range(2)]
    icc, exif = (source.take(size) for size in sizes)
    xmp = source.rest()
    picture = Picture(_PIXELS, icc=icc or None, exif=exif or None, xmp=xmp or None)
    for format in FORMATS:
        with bounded(len(data), _PIXELS.size):
            try:
                made, lost = encode_picture(picture, format)
            except HpcmError:
                continue
            assert all("\n" not in line for line in lost)
            again = read_picture(made)
        assert again.pixels.shape == _PIXELS.shape
        assert format == "jpeg" or (again.pixels == _PIXELS).all(), format


def fuzz_plugin(data: bytes) -> None:
    """Any chunks under right checksums, and any bytes, through Pillow."""
    kind = data[0] % 2 if data else 0
    raw = forged(*unpack(data[1:])) if kind else data[1:]
    tiny_decoder()
    with bounded(len(raw), MOST_PIXELS):
        try:
            with Image.open(io.BytesIO(raw), formats=["HPC"]) as image:
                if image.width * image.height <= MOST_PIXELS:
                    image.load()
                    image.getexif()
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
            return


def fuzz_info(data: bytes) -> None:
    """Any bytes and any chunks under right checksums: what `info` and `verify` say of them agrees."""
    kind = data[0] % 2 if data else 0
    raw = forged(*unpack(data[1:])) if kind else data[1:]
    with bounded(len(raw), MOST_PIXELS):
        try:
            told = info(raw)
        except HpcmError:
            told = None
        report = verify(raw, _limited())
    assert report.problem is None or "\n" not in report.problem
    if report.decodes:
        assert told is not None and report.checksums


@cache
def _limited() -> Decoder:
    tiny_decoder()  # installs its model
    return Decoder(limits=container.Limits(max_pixels=MOST_PIXELS))


def fuzz_tree(data: bytes) -> None:
    """A folder of any names, links, pipes and empty files: each is a task, a failure, skipped or left out."""
    source = Bytes(data)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "in"
        root.mkdir()
        made = 0
        for _ in range(source.number(12)):
            made += _odd(root, source)
        with bounded(len(data)):
            try:
                work = plan([root], Path(name) / "out", suffix=".hpc", accepted=PICTURES, opposite=CODED, never=CODED)
            except HpcmError:
                return
        assert len(work) + len(work.left_out) == made, (len(work), len(work.left_out), made)


def _odd(root: Path, source: Bytes) -> int:
    """Makes something in a folder; how many files that are more."""
    raw = source.take(1 + source.number(20)).replace(b"\0", b"").replace(b"/", b"")
    suffix = (b".png", b".JPG", b".hpc", b".txt", b"")[source.number(5)]
    place = os.path.join(os.fsencode(root), raw + suffix)  # noqa: PTH118
    if raw + suffix in (b"", b".", b"..") or os.path.lexists(place):
        return 0
    try:
        kind = source.number(5)
        if kind == 0:
            os.mkdir(place)  # noqa: PTH102
            with open(os.path.join(place, b"a.png"), "wb"):  # noqa: PTH118, PTH123
                return 1
        if kind == 1:
            os.mkfifo(place)
        elif kind == 2:
            os.symlink(source.take(source.number(8)).replace(b"\0", b"") or b"x", place)  # noqa: PTH211
            return 1
        else:
            with open(place, "wb") as file:  # noqa: PTH123
                file.write(source.take(source.number(20)))
    except (OSError, ValueError):
        return 0
    return 1


def fuzz_results(data: bytes) -> None:
    """Any text as results.json."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "results.json"
        path.write_bytes(data)
        with bounded(len(data)), suppress(HpcmError):
            Results.load(path)


def fuzz_manifest(data: bytes) -> None:
    """Any text as an archive's manifest, with and without a seal that fits."""
    with tempfile.TemporaryDirectory() as name:
        manifest = Manifest(Path(name))
        manifest.path.write_bytes(data)
        with bounded(len(data)):
            try:
                read = Manifest.load(Path(name))
            except HpcmError:
                return
        for entry in read:
            assert isinstance(entry.source, str) and isinstance(entry.stored, str)


def fuzz_checkpoint(data: bytes) -> None:
    """Any bytes as a checkpoint."""
    from hpcmcodec.models.official import read_checkpoint

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.pth"
        path.write_bytes(data)
        with suppress(HpcmError):
            arrays = read_checkpoint(path)
            assert sum(array.nbytes for array in arrays.values()) <= 64 * len(data) + 4096


def fuzz_programs(data: bytes) -> None:
    """Model files of every network whose program, or whatever else the manifest says, was changed."""
    source = Bytes(data)
    files = networks.model_files()
    name = sorted(files)[source.number(len(files))]
    made = networks.edited(files[name], source.number(1 << 16), source.number(64), source.rest())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        path.write_bytes(made)
        with suppress(HpcmError):
            model = CodecModel.load(model_file.read(path))
            _ = model.core


@cache
def _pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (9, 8, 3), np.uint8)


_PIXELS = _pixels()

TARGETS: dict[str, Callable[[bytes], None]] = {
    "ways": fuzz_ways,
    "writers": fuzz_writers,
    "plugin": fuzz_plugin,
    "info": fuzz_info,
    "tree": fuzz_tree,
    "results": fuzz_results,
    "manifest": fuzz_manifest,
    "checkpoint": fuzz_checkpoint,
    "programs": fuzz_programs,
}


def _checkpoints() -> list[bytes]:
    import torch

    made = []
    for content in ({"a": torch.zeros(3)}, {"state_dict": {"module.b": torch.ones(2, 2)}}, [1, 2], {}):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        made.append(buffer.getvalue())
    return made


def _results() -> list[bytes]:
    empty: dict[str, Any] = {"schema": 1, "pictures": {}, "codecs": {}, "run": {}, "summary": {}, "measurements": []}
    return [json.dumps({**empty, "crops": []}).encode(), b"{}", b"[]"]


def _manifests() -> list[bytes]:
    with tempfile.TemporaryDirectory() as name:
        manifest = Manifest(Path(name))
        manifest.begin()
        manifest.seal()
        return [manifest.path.read_bytes(), manifest.path.read_bytes()[:30]]


def _chunks() -> list[bytes]:
    from tests.fuzz.seeds import SEEDS as FILES

    return [b"\1" + body for body in FILES["chunks"]()] + [b"\0" + file for file in FILES["container"]()]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "ways": lambda: [bytes(4), bytes(range(1, 90)), bytes(range(255, 120, -1))],
    "writers": lambda: [bytes(8), b"\x20\0\x20\0" + b"II*\0\x08\0\0\0\1\0\x0e\1\2\0\4\0\0\0abcd" * 4],
    "plugin": _chunks,
    "info": _chunks,
    "tree": lambda: [bytes(range(200)), b"\x08\0" + b"\3\0abc\1\0\2\0" * 12],
    "results": _results,
    "manifest": _manifests,
    "checkpoint": _checkpoints,
    "programs": lambda: [bytes(8), b"\1\0\x40\0\4\0[0]"],
}
