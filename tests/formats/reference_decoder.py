"""A decoder written from FORMAT.md alone, slow and plain, without a line of the product's code."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import reference_exact
from reference_operations import OPERATIONS, PARAMETERS, number

F = np.float32
Array = np.ndarray


# ------------------------------------------------------------------------------------------------ 2 to 4: container
def leb128(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def container(data: bytes) -> tuple[dict, list[tuple[int, bytes]]]:
    """-> header fields, chunks as type and payload, the running checksum compared."""
    assert data[:5] == b"\xc8P\r\n\1"
    length, at = leb128(data, 5)
    fields = msgpack.unpackb(data[at : at + length], strict_map_key=False)
    at += length
    crc = zlib.crc32(data[4:at])
    assert struct.unpack_from("<I", data, at) == (crc,)
    at += 4
    chunks: list[tuple[int, bytes]] = []
    last = False
    while not last:
        kind, last = data[at] & ~0x40, bool(data[at] & 0x40)
        length, payload = leb128(data, at + 1)
        end = payload + length
        crc = zlib.crc32(data[at:end], crc)
        assert struct.unpack_from("<I", data, end) == (crc,)
        chunks.append((kind, data[payload:end]))
        at = end + 4
    assert at == len(data)
    return fields, chunks


def streams_of(fields: dict, payload: bytes, tile: int) -> tuple[int, list[bytes]]:
    """-> check value, streams of the LATENT chunk of a tile."""
    number, at = leb128(payload, 0) if 9 in fields else (0, 0)
    assert number == tile
    (check,) = struct.unpack_from("<I", payload, at)
    lengths, at = [], at + 4
    for _ in range(fields.get(7, 4) - 1):
        size, at = leb128(payload, at)
        lengths.append(size)
    streams = []
    for size in [*lengths, len(payload) - at - sum(lengths)]:
        streams.append(payload[at : at + size])
        at += size
    return check, streams


# ------------------------------------------------------------------------------------------------ 5: exact tiles
def covered_by(fields: dict, payload: bytes, height: int, width: int) -> Array:
    """The pixels whose colours an EXACT chunk has."""
    side, number, at = 64 * fields.get(8, 0), 0, 0
    if side:
        number, at = leb128(payload, 0)
    columns = -(-width // side) if side else 1
    side = side or max(height, width)
    found = np.zeros((height, width), bool)
    top, left = number // columns * side, number % columns * side
    found[top : top + side, left : left + side] = payload[at] & 1
    return found


def lay_flats(fields: dict, payload: bytes, colours: Array, covered: Array) -> None:
    """Section 5.1."""
    height, width, channels = colours.shape
    size, n = channels * colours.itemsize, payload[0]
    assert n > 0
    values = np.frombuffer(payload[1 : 1 + n * size], f"<u{colours.itemsize}").reshape(n, channels)
    rows, columns = -(-height // 16), -(-width // 16)
    index = reference_exact.decode(payload[1 + n * size :], columns, rows, 1, 8)
    for y, x in np.ndindex(height, width):
        (k,) = index[y // 16][x // 16]
        if k and not covered[y, x]:
            colours[y, x] = values[k - 1]


def lay_exact(fields: dict, payload: bytes, picture: Array) -> None:
    """Puts an EXACT chunk's samples into a picture (H, W, samples)."""
    height, width, samples = picture.shape
    depth, colours = fields.get(6, 8), samples - (samples % 2 == 0)
    side, number, at = 64 * fields.get(8, 0), 0, 0
    if side:
        number, at = leb128(payload, 0)
    columns = -(-width // side) if side else 1
    side = side or max(height, width)
    top, left = number // columns * side, number % columns * side
    what, check = struct.unpack_from("<BI", payload, at)
    place = {1: slice(0, colours), 2: slice(colours, samples), 3: slice(0, samples), 5: slice(0, colours)}[what]
    tile = picture[top : top + side, left : left + side, place]
    rows, across, channels = tile.shape
    shown = tile.tolist() if what == 5 else None
    found = reference_exact.decode(payload[at + 5 :], across, rows, channels, depth, shown)
    tile[:] = found
    assert zlib.crc32(np.array(found, "u1" if depth == 8 else "<u2").tobytes()) == check


# ------------------------------------------------------------------------------------------------ 7: entropy coding
@dataclass
class Stream:
    """Section 7.2, several rows."""

    data: bytes
    tensors: dict[str, Array]
    position: int = 0
    count: int = 0
    states: list[int] = field(default_factory=lambda: [1 << 24] * 4)

    def bytes_(self, n: int) -> int:
        assert self.position + n <= len(self.data)
        self.position += n
        return int.from_bytes(self.data[self.position - n : self.position], "little")

    def settle(self, lane: int, x: int) -> None:
        self.states[lane] = x * 65536 + self.bytes_(2) if x < 1 << 24 else x

    def raw(self, lane: int, k: int) -> int:
        x = self.states[lane]
        self.settle(lane, x >> k)
        return x % (1 << k)

    def symbol(self, row: int) -> int:
        start, length, offset = (int(self.tensors[f"entropy.{k}"][row]) for k in ("starts", "lengths", "offsets"))
        c = self.tensors["entropy.cdf"][start : start + length]
        lane = 0 if self.count < 4096 else self.count % 4
        if self.count in (0, 4097, 4098, 4099):
            self.states[lane] = self.bytes_(5)
        self.count += 1
        x = self.states[lane]
        i = int(np.searchsorted(c, x % 65536, "right")) - 1
        self.settle(lane, int(c[i + 1] - c[i]) * (x // 65536) + x % 65536 - int(c[i]))
        if i < length - 2:
            return offset + i
        below, bits, v = self.raw(lane, 1), 0, 1
        while self.raw(lane, 1):
            bits += 1
        while bits:
            v = v << min(bits, 16) | self.raw(lane, min(bits, 16))
            bits -= min(bits, 16)
        return offset - v if below else offset + length - 3 + v

    def symbols(self, index: Array, inside: Array) -> Array:
        """Symbols of an array of rows, in its order, 0 where nothing is coded."""
        q = np.zeros(index.shape, F)
        for at in np.ndindex(index.shape):
            if inside[at]:
                q[at] = F(self.symbol(int(index[at])))
        return q

    def values(self, index: Array, inside: Array) -> Array:
        """Values of a coding step's latents: section 7.4 where the model has a trellis."""
        if "entropy.levels" not in self.tensors:
            return self.symbols(index, inside)
        levels, rows = self.tensors["entropy.levels"], len(self.tensors["entropy.y_thresholds"]) + 1
        v, s = np.zeros(index.shape, F), 0
        for at in np.ndindex(index.shape):
            if inside[at]:
                r, q = int(index[at]), (s & 121).bit_count() % 2
                k = self.symbol((1 + q) * rows + r)
                first, second, third, step = levels[4 * (q * rows + r) :][:4]
                m = abs(k)
                level = (F(0), first, second, third)[m] if m <= 3 else third + F(m - 3) * step
                v[at] = -level if k < 0 else level
                s = (2 * s + (k + (s & 166).bit_count()) % 2) % 256
        return v

    def finish(self) -> None:
        assert self.position == len(self.data) and self.states == [1 << 24] * 4


# ------------------------------------------------------------------------------------------------ 8: model file
def model(path: Path) -> tuple[dict, dict[str, Array], bytes]:
    """-> program, tensors (parameters as binary32), identity."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8 : 8 + length])
    manifest = head.pop("__metadata__")["hpcmcodec"]
    entries = json.loads(manifest)["tensors"]
    kinds = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I32": "<i4"}
    stored = {}
    for name, (kind, shape, digest) in entries.items():
        first, last = (8 + length + n for n in head[name]["data_offsets"])
        assert hashlib.sha256(data[first:last]).hexdigest() == digest
        stored[name] = np.frombuffer(data[first:last], kinds[kind]).reshape(shape)
    tensors = {}
    for name, value in stored.items():
        if value.dtype == np.int8:
            factor = stored[f"{name}.scale"].reshape(-1, *[1] * (value.ndim - 1))
            tensors[name] = value.astype(F) * factor
        else:
            tensors[name] = value.astype(F) if value.dtype == np.float16 else value
    return json.loads(manifest)["program"], tensors, hashlib.sha256(manifest.encode()).digest()


# ------------------------------------------------------------------------------------------------ 6, 10: the picture
class Network:
    """A model's program, for one quality."""

    def __init__(self, program: dict, tensors: dict[str, Array], quality: float | None) -> None:
        self.program, self.t = program, tensors
        given = {} if quality is None else {"quality": np.full((1, 1, 1), (F(quality) - F(1)) / F(99), F)}
        assert bool(given) == bool(program["entries"]["condition"]["inputs"])
        self.vectors = self.run("condition", given, (1, 1))

    def operand(self, one: Any, values: list[Array], parameters: bool) -> Any:
        if one is None or isinstance(one, int):
            return None if one is None else values[one]
        if isinstance(one, str):
            found = self.t[one]
        elif len(one) == 1:
            return np.full((1, 1, 1), number(one[0]), F)
        else:
            found = self.t[one[0]][one[1] : one[1] + one[2]]
        return found if parameters else found.reshape(-1, 1, 1)

    def run(self, entry: str, given: dict[str, Array], grid: tuple[int, int], code: Any = None) -> dict[str, Array]:
        part = self.program["entries"][entry]
        values = [given[name] for name, *_ in part["inputs"]]
        for op, operands, *attributes in part["nodes"]:
            found = [self.operand(one, values, op in PARAMETERS) for one in operands]
            value = code(*found, *attributes) if op == "code" else OPERATIONS[op](found, attributes, grid)
            values.append(np.asarray(value, F))
        return {name: values[index] for name, index in part["outputs"]}

    def latents(self, streams: list[bytes], height: int, width: int) -> Array:
        """Section 6, 3 to 4."""
        unit, stride, hyper = (self.program[name] for name in ("unit", "stride", "hyper_stride"))
        rows, columns = (-(-side // unit) * unit // stride for side in (height, width))
        readers = [Stream(data, self.t) for data in streams]
        scales = self.vectors["z_scale"].ravel()
        index = (self.t["entropy.z_thresholds"] < scales[:, None]).sum(1)
        cells = [-(-side // (hyper // stride)) for side in (rows, columns)]
        index = np.broadcast_to(index[:, None, None], (len(scales), *cells))
        own = np.zeros(index.shape, bool)
        own[:, : -(-height // hyper), : -(-width // hyper)] = True
        z = readers[0].symbols(index, own)
        layout = np.zeros((self.program["latent_channels"], rows, columns), F)
        layout[:, : -(-height // stride), : -(-width // stride)] = 1
        whole = bool(layout.all())

        def code(mean: Array, scale: Array, delta: Array | None, where: Array, stream: int) -> Array:
            index = (self.t["entropy.y_thresholds"] < scale[..., None]).sum(-1)
            values = readers[stream].values(index, np.ones(index.shape, bool) if whole else where != 0)
            return values + mean if delta is None else values * delta + mean

        found = self.run("latents", {"hyper": z, "layout": layout, **self.vectors}, (rows, columns), code)
        for reader in readers:
            reader.finish()
        return found["latent"]

    def picture(self, v: Array) -> Array:
        return self.run("picture", {"latent": v, **self.vectors}, v.shape[1:])["picture"]


def code_points(data: bytes) -> tuple[int, ...] | None:
    """Field 65 of section 3."""
    found = container(data)[0].get(65)
    assert found is None or (len(found) == 3 and 0 not in found[:2] and found[2] < 2)
    return None if found is None else tuple(found)


def decode(data: bytes, path: Path | None = None) -> Array:
    """Sections 5 and 6: the samples (H, W, samples of a pixel) of a file; path: of its model, if it needs one."""
    fields, chunks = container(data)
    width, height, samples, depth = fields[0], fields[1], fields.get(5, 3), fields.get(6, 8)
    picture = np.zeros((height, width, samples), np.uint8 if depth == 8 else np.uint16)
    colours = samples - (samples % 2 == 0)
    if path is not None:
        payloads = [content for kind, content in chunks if kind == 0x83]
        picture[:, :, :colours] = learned(fields, payloads, path, colours)
    else:
        assert not {2, 3, 4, 7, 9} & fields.keys()
    flat = [content for kind, content in chunks if kind == 0x87]
    covered = np.zeros((height, width), bool)
    for kind, content in chunks:
        if kind == 0x84:
            covered |= covered_by(fields, content, height, width)
    for content in flat:
        lay_flats(fields, content, picture[:, :, :colours], covered)
    for kind, content in chunks:
        if kind == 0x84:
            lay_exact(fields, content, picture)
    return picture


def learned(fields: dict, payloads: list[bytes], path: Path, channels: int) -> Array:
    """Section 6, 1 to 7."""
    program, tensors, identity = model(path)
    assert identity[:8] == fields[2] and fields.get(7, 4) == program["streams"]
    width, height = fields[0], fields[1]
    side = 64 * fields.get(9, 0) or max(width, height)
    assert 9 not in fields or side % program["unit"] == 0
    network = Network(program, tensors, fields.get(4))
    places = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    rows: dict[int, list[Array]] = {}
    for tile, ((top, left), payload) in enumerate(zip(places, payloads, strict=True)):
        check, streams = streams_of(fields, payload, tile)
        v = network.latents(streams, min(side, height - top), min(side, width - left))
        assert zlib.crc32(v.astype("<f4").tobytes()) == check
        rows.setdefault(top, []).append(v)
    x = network.picture(np.concatenate([np.concatenate(row, 2) for row in rows.values()], 1))
    if channels == 1:
        x = (((x[0] + x[1]) + x[2]) * F(1 / 3))[None]
    most = F(2 ** fields.get(6, 8) - 1)
    samples = np.rint(np.minimum(np.maximum(x, F(0)), F(1)) * most).astype(np.uint16)
    return samples.transpose(1, 2, 0)[:height, :width]
