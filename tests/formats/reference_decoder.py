"""A decoder written from FORMAT.md alone, slow and plain, without a line of the product's code."""

from __future__ import annotations

import re
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
from reference_exact import DAMAGED, UNSUPPORTED, Refused, leb128, require
from reference_model import model
from reference_operations import OPERATIONS, PARAMETERS, number

F = np.float32
Array = np.ndarray


# ------------------------------------------------------------------------------------------------ 2 to 4: container
NOT_HPC, TRUNCATED, MISSING_MODEL, ARITHMETIC = 10, 11, 14, 17
SIGNATURE = b"\xc8P\r\n"
TEXT_MODE = (b"HP\r\n\1", b"\xc8P\n\1", b"\xc8P\r\r\n", b"\xc8P\r\1", b"\xc3\x88P\r\n", b"\xef\xbf\xbdP\r\n")
KNOWN = (0x01, 0x02, 0x83, 0x84, 0x05, 0x06, 0x87)
Chunks = list[tuple[int, bytes]]


def container(data: bytes) -> tuple[dict, Chunks]:
    """-> header fields, chunks as type and payload, the running checksum compared."""
    if data[:4] != SIGNATURE:
        require(not data.startswith(TEXT_MODE), "a transfer in text mode")
        require(not (data and SIGNATURE.startswith(data)), "the signature ends", TRUNCATED)
        raise Refused(NOT_HPC, "signature")
    require(data[4:5] in (b"", b"\1"), "version", UNSUPPORTED)
    length, at = leb128(data, 5, TRUNCATED)
    require(length <= 1024, "length of the header")
    require(at + length + 4 <= len(data), "the header ends", TRUNCATED)
    packed = data[at : at + length]
    crc = zlib.crc32(data[4 : at + length])
    require(data[at + length : at + length + 4] == struct.pack("<I", crc), "checksum of the header")
    fields = header(packed)
    chunks, at = read_chunks(data, at + length + 4, crc, fields)
    require(at == len(data), "bytes after the last chunk")
    return fields, chunks


def read_chunks(data: bytes, at: int, crc: int, fields: dict) -> tuple[Chunks, int]:
    chunks: Chunks = []
    last, order = False, 0
    while not last:
        require(at < len(data), "the chunks end", TRUNCATED)
        kind, last = data[at] & ~0x40, bool(data[at] & 0x40)
        length, payload = leb128(data, at + 1, TRUNCATED)
        end = payload + length
        require(kind in KNOWN or (kind & 63 and kind ^ 128 not in KNOWN), "a type that does not exist")
        require(kind in KNOWN or kind < 128, "an unknown critical chunk", UNSUPPORTED)
        require(end + 4 <= len(data), "a chunk ends", TRUNCATED)
        crc = zlib.crc32(data[at:end], crc)
        require(struct.unpack_from("<I", data, end) == (crc,), "checksum of a chunk")
        if kind in KNOWN:
            require(order < kind & 63 or (order == kind & 63 and kind in (0x83, 0x84)), "order of chunks")
            order = kind & 63
        chunks.append((kind, data[payload:end]))
        at = end + 4
    require(sum(kind not in KNOWN for kind, _ in chunks) <= 64, "number of unknown chunks")
    kinds = [kind for kind, _ in chunks]
    tiles = grid(fields, 9) if 2 in fields else 0
    require(kinds.count(0x83) == tiles, "number of LATENT chunks")
    require(0x02 not in kinds or {8, 9} & fields.keys(), "an index without tiles")
    require(0x87 not in kinds or tiles, "flat blocks without a learned picture")
    check_exact(fields, [payload for kind, payload in chunks if kind == 0x84])
    return chunks, at


def grid(fields: dict, key: int) -> int:
    """Number of tiles of a size."""
    side = 64 * fields.get(key, 0)
    return -(-fields[0] // side) * -(-fields[1] // side) if side else 1


def check_exact(fields: dict, payloads: list[bytes]) -> None:
    """Section 5: which chunks there are, in which order."""
    alpha, learned = fields.get(5, 3) % 2 == 0, 2 in fields
    before, stored = (-1, 3), [0, 0]
    for payload in payloads:
        number, at = leb128(payload, 0) if 8 in fields else (0, 0)
        require(len(payload) >= at + 5, "an exact tile that ends")
        what = payload[at]
        require(what <= 7, "kind of an exact tile", UNSUPPORTED)
        require(what in (1, 2, 3, 5) and (alpha or what in (1, 5)) and (learned or what != 5), "kind of an exact tile")
        follows = number > before[0] or (number == before[0] and what == 2 and before[1] in (1, 5))
        require(follows and number < grid(fields, 8), "order of exact tiles")
        before = number, what
        stored = [stored[0] + (what & 1), stored[1] + (what >> 1 & 1)]
    require(learned or stored[0] == grid(fields, 8), "colours of every tile")
    require(not alpha or stored[1] == grid(fields, 8), "alpha of every tile")


# ------------------------------------------------------------------------------------------------ 3: header
def is_count(low: int, high: int) -> Any:
    return lambda v: type(v) is int and low <= v <= high


def is_quality(v: object) -> bool:
    return type(v) in (int, float) and 1 <= v <= 100 and (type(v) is int or v != int(v))  # type: ignore[operator, call-overload]


RULES: dict[int, Any] = {
    0: is_count(1, 2**30),
    1: is_count(1, 2**30),
    2: lambda v: type(v) is bytes and len(v) == 8,
    3: lambda v: type(v) is str and re.fullmatch("[a-z0-9][a-z0-9._-]{0,47}", v),
    4: is_quality,
    5: lambda v: is_count(1, 4)(v) and v != 3,
    6: is_count(9, 16),
    7: lambda v: is_count(2, 8)(v) and v != 4,
    8: is_count(1, 2**24),
    9: is_count(1, 2**24),
    10: lambda v: False,
    11: is_count(0, 255),
    65: lambda v: type(v) is bytes and len(v) == 3 and 0 not in v[:2] and v[2] < 2,
}
"""What a field that is not absent may be."""


def header(packed: bytes) -> dict:
    try:
        fields = msgpack.unpackb(packed, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise Refused(DAMAGED, "not msgpack") from error
    require(type(fields) is dict and all(map(is_count(0, 127), fields)), "not a map of fields")
    require(is_plain(fields, -1) and msgpack.packb(fields, use_single_float=True) == packed, "not canonical")
    for key, value in fields.items():
        if key == 10 and is_count(1, 2**64)(value):
            raise Refused(UNSUPPORTED, "flags")
        require(not 12 <= key < 64, "a reserved field", UNSUPPORTED)
        require(RULES.get(key, lambda v: True)(value), f"field {key}")
    require({0, 1} <= fields.keys(), "no size")
    require((2 in fields) == (3 in fields), "half a model")
    require(2 in fields or not {4, 7, 9} & fields.keys(), "fields of no model")
    return fields


def is_plain(value: Any, depth: int) -> bool:
    """What a header may hold."""
    if depth > 4:
        return False
    if type(value) is dict:
        ascending = all(map(is_count(0, 2**64), value)) and list(value) == sorted(value)
        return ascending and len(value) <= 64 and all(is_plain(one, depth + 1) for one in value.values())
    if type(value) is list:
        return len(value) <= 64 and all(is_plain(one, depth + 1) for one in value)
    if type(value) in (str, bytes):
        return len(value.encode() if type(value) is str else value) <= 255
    if type(value) is float:
        return bool(np.isfinite(value))
    return value is None or type(value) is bool or is_count(-32, 2**64)(value)


# ------------------------------------------------------------------------------------------------ 4.2: tiles
def streams_of(fields: dict, payload: bytes, tile: int) -> tuple[int, list[bytes]]:
    """-> check value, streams of the LATENT chunk of a tile."""
    number, at = leb128(payload, 0) if 9 in fields else (tile, 0)
    require(number == tile and at + 4 <= len(payload), "head of a tile")
    (check,) = struct.unpack_from("<I", payload, at)
    lengths, at = [], at + 4
    for _ in range(fields.get(7, 4) - 1):
        size, at = leb128(payload, at)
        lengths.append(size)
    require(at + sum(lengths) <= len(payload), "streams longer than their tile")
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
    require(payload and payload[0], "number of flat values")
    size, n = channels * colours.itemsize, payload[0]
    require(len(payload) >= 1 + n * size, "flat values")
    values = np.frombuffer(payload[1 : 1 + n * size], f"<u{colours.itemsize}").reshape(n, channels)
    require(values.max() < 1 << fields.get(6, 8), "a flat value")
    rows, columns = -(-height // 16), -(-width // 16)
    index = reference_exact.decode(payload[1 + n * size :], columns, rows, 1, 8)
    require(np.max(index) <= n, "number of a flat value")
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
    require(zlib.crc32(np.array(found, "u1" if depth == 8 else "<u2").tobytes()) == check, "samples of an exact tile")


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
        require(self.position + n <= len(self.data), "the end of a stream")
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
            require(self.states[lane] >> 24, "a state")
        self.count += 1
        x = self.states[lane]
        i = int(np.searchsorted(c, x % 65536, "right")) - 1
        self.settle(lane, int(c[i + 1] - c[i]) * (x // 65536) + x % 65536 - int(c[i]))
        if i < length - 2:
            return offset + i
        below, bits, v = self.raw(lane, 1), 0, 1
        while self.raw(lane, 1):
            bits += 1
            require(bits <= 32, "an escape")
        while bits:
            v = v << min(bits, 16) | self.raw(lane, min(bits, 16))
            bits -= min(bits, 16)
        found = offset - v if below else offset + length - 3 + v
        require(-(2**31) <= found < 2**31, "a symbol")
        return found

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
        require(self.position == len(self.data) and self.states == [1 << 24] * 4, "the rest of a stream")


# ------------------------------------------------------------------------------------------------ 6, 10: the picture
class Network:
    """A model's program, for one quality."""

    def __init__(self, program: dict, tensors: dict[str, Array], quality: float | None) -> None:
        self.program, self.t = program, tensors
        given = {} if quality is None else {"quality": np.full((1, 1, 1), (F(quality) - F(1)) / F(99), F)}
        require(bool(given) == bool(program["entries"]["condition"]["inputs"]), "quality")
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
        cell = self.program.get("coded_unit", stride)
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
        layout[:, : -(-height // cell) * cell // stride, : -(-width // cell) * cell // stride] = 1
        whole = bool(layout.all())

        def code(mean: Array, scale: Array, delta: Array | None, where: Array, stream: int) -> Array:
            require(not np.isnan(scale).any(), "a scale")
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
        require(2 not in fields, "no model", MISSING_MODEL)
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
    require(identity[:8] == fields.get(2), "another model", MISSING_MODEL)
    require(fields.get(7, 4) == program["streams"], "number of streams")
    width, height = fields[0], fields[1]
    side = 64 * fields.get(9, 0) or max(width, height)
    require(9 not in fields or side % program["unit"] == 0, "tiles that do not suit the model")
    network = Network(program, tensors, fields.get(4))
    places = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    rows: dict[int, list[Array]] = {}
    for tile, ((top, left), payload) in enumerate(zip(places, payloads, strict=True)):
        check, streams = streams_of(fields, payload, tile)
        v = network.latents(streams, min(side, height - top), min(side, width - left))
        require(np.isfinite(v).all(), "latents")
        require(zlib.crc32(v.astype("<f4").tobytes()) == check, "check value", ARITHMETIC)
        rows.setdefault(top, []).append(v)
    x = network.picture(np.concatenate([np.concatenate(row, 2) for row in rows.values()], 1))
    if channels == 1:
        x = (((x[0] + x[1]) + x[2]) * F(1 / 3))[None]
    require(np.isfinite(x).all(), "the picture")
    most = F(2 ** fields.get(6, 8) - 1)
    samples = np.rint(np.minimum(np.maximum(x, F(0)), F(1)) * most).astype(np.uint16)
    return samples.transpose(1, 2, 0)[:height, :width]
