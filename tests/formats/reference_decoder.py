"""A decoder written from FORMAT.md alone, slow and plain, without a line of the product's code. Family lite is here."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import msgpack
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))
import formulas
from formulas import fma

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


def container(data: bytes) -> tuple[dict, int, list[bytes]]:
    """-> header fields, check value, streams of a file with one tile and nothing else."""
    assert data[:5] == b"\xc8P\r\n\1"
    length, at = leb128(data, 5)
    fields = msgpack.unpackb(data[at : at + length], strict_map_key=False)
    at += length
    crc = zlib.crc32(data[4:at])
    assert struct.unpack_from("<I", data, at) == (crc,)
    at += 4
    assert data[at] == 0x83 | 0x40
    length, payload = leb128(data, at + 1)
    end = payload + length
    assert struct.unpack_from("<I", data, end) == (zlib.crc32(data[at:end], crc),) and end + 4 == len(data)
    (check,) = struct.unpack_from("<I", data, payload)
    lengths, at = [], payload + 4
    for _ in range(3):
        size, at = leb128(data, at)
        lengths.append(size)
    streams = []
    for size in [*lengths, end - at - sum(lengths)]:
        streams.append(data[at : at + size])
        at += size
    return fields, check, streams


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
    """-> config, tensors (parameters as binary32), identity."""
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
    return json.loads(manifest)["config"], tensors, hashlib.sha256(manifest.encode()).digest()


# ------------------------------------------------------------------------------------------------ 9: arithmetic
def conv(x: Array, w: Array, b: Array | None, padding: int = 0) -> Array:
    """Stride 1."""
    o, channels, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = padded.shape[1] - kh + 1, padded.shape[2] - kw + 1
    acc = np.broadcast_to((np.zeros(o, F) if b is None else b)[:, None, None], (o, height, width)).astype(F)
    for c in range(channels):
        for ky in range(kh):
            for kx in range(kw):
                acc = fma(w[:, c, ky, kx, None, None], padded[None, c, ky : ky + height, kx : kx + width], acc)
    return acc + F(0)


def depthwise(x: Array, w: Array, b: Array | None) -> Array:
    parts = [conv(x[c : c + 1], w[c : c + 1], None if b is None else b[c : c + 1], 1) for c in range(len(x))]
    return np.concatenate(parts)


def leaky(x: Array) -> Array:
    return np.where(x > 0, x, x * F(0.01))


def pixel_shuffle(x: Array, r: int) -> Array:
    c, h, w = x.shape
    return x.reshape(c // r**2, r, r, h, w).transpose(0, 3, 1, 4, 2).reshape(c // r**2, h * r, w * r)


def lapped(x: Array, p: Array) -> Array:
    x = x.copy()
    for axis in (1, 2):
        x = np.moveaxis(x, axis, 0).copy()
        for start in range(8, len(x) - 8, 16):
            block = x[start : start + 16].copy()
            for i in range(16):
                acc = np.zeros_like(block[0])
                for j in range(16):
                    acc = fma(p[i, j], block[j], acc)
                x[start + i] = acc + F(0)
        x = np.moveaxis(x, 0, axis).copy()
    return x


def blend(weights: Array, rows: Array) -> Array:
    acc = np.zeros(rows.shape[1], F)
    for weight, row in zip(weights, rows, strict=True):
        acc = fma(weight, row, acc)
    return acc


# ------------------------------------------------------------------------------------------------ 10: family lite
PHASES = (0, 3, 1, 2)


def slots(y: Array) -> list[Array]:
    """[M, H, W] -> four slots [M, H/2, W/2]."""
    m, h, w = y.shape
    result = [np.empty((m, h // 2, w // 2), y.dtype) for _ in range(4)]
    for c in range(m):
        group = c % (m // 2) // (m // 8)
        for k in range(4):
            row, column = divmod(PHASES[k] ^ group, 2)
            result[k][c] = y[c, row::2, column::2]
    return result


def grid(parts: list[Array]) -> Array:
    """Inverse of `slots`."""
    m, h, w = parts[0].shape
    y = np.empty((m, 2 * h, 2 * w), parts[0].dtype)
    for c in range(m):
        group = c % (m // 2) // (m // 8)
        for k in range(4):
            row, column = divmod(PHASES[k] ^ group, 2)
            y[c, row::2, column::2] = parts[k][c]
    return y


def planes(v: Array) -> Array:
    """A vector as [C, 1, 1]."""
    return v[:, None, None]


class Lite:
    """The network of a model file, for one quality."""

    def __init__(self, config: dict, tensors: dict[str, Array], quality: float) -> None:
        self.config, self.t = config, tensors
        p = (F(quality) - F(1)) / F(99)
        hat = np.array([F(1) - abs(p * F(4) - F(k)) for k in range(5)], F)
        self.weights = (hat + abs(hat)) * F(0.5)
        self.s0, self.scale0 = formulas.exp(blend(self.weights, tensors["log_s0"])), self.table("log_scale0")

    def table(self, name: str) -> Array:
        return blend(self.weights, self.t[f"{name}.rows"])

    def conv(self, x: Array, name: str, padding: int = 0) -> Array:
        return conv(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"], padding)

    def modulate(self, x: Array, name: str) -> Array:
        a, b = np.split(self.table(f"{name}.table"), 2)
        return fma(x, planes(a + F(1)), planes(b))

    def dwconv_rb(self, x: Array, name: str) -> Array:
        t = depthwise(x, self.t[f"{name}.branch.0.weight"], self.t[f"{name}.branch.0.bias"])
        return x + self.conv(leaky(self.conv(t, f"{name}.branch.1")), f"{name}.branch.3")

    def pconv_rb(self, x: Array, name: str) -> Array:
        n1 = len(x) // 4
        t = np.concatenate((self.conv(x[:n1], f"{name}.branch.0.pconv", 1), x[n1:]))
        return x + self.conv(leaky(self.conv(t, f"{name}.branch.1")), f"{name}.branch.3")

    def feature(self, v: Array, s0: Array) -> Array:
        m = formulas.log1p(abs(v) / planes(s0))
        return np.concatenate((np.sign(v) * m, m))

    def latents(self, streams: list[bytes], height: int, width: int) -> Array:
        """Sections 10.2 to 10.4."""
        t, m = self.t, self.config["latent_channels"]
        cells = -(-height // 64), -(-width // 64)
        readers = [Stream(data, t) for data in streams]
        zs = self.table("z_log_scale")
        index = (t["entropy.z_thresholds"] < zs[:, None]).sum(1)
        index = np.broadcast_to(planes(index), (len(zs), *cells))
        q = readers[0].symbols(index, np.ones(index.shape, bool))
        h = self.conv((q + planes(self.table("z_mean"))) * planes(formulas.exp(-self.table("z_log_gain"))), "h_s")

        inside = np.zeros((m, 4 * cells[0], 4 * cells[1]), bool)
        inside[:, : -(-height // 16), : -(-width // 16)] = True
        fine, half = slots(inside), m // 2
        coarse = slots(fine[0])
        self.h, self.new = h, None
        known: list[Array] = []
        first = self.step("ctx_a", 0, known, slice(0, half), readers[1], coarse[0][:half])
        known.append(
            np.concatenate((first, self.step("ctx_a", 1, known, slice(half, m), readers[1], coarse[0][half:])))
        )
        for k in (1, 2, 3):
            known.append(self.step("ctx_a", k + 1, known, slice(0, m), readers[2], coarse[k]))
        known = [grid(known)]
        self.new = self.feature(known[0], self.s0)
        self.h = pixel_shuffle(self.conv(self.h, "up_state"), 2)
        known += self.finest(known, readers[3], fine)
        for reader in readers:
            reader.finish()
        return grid(known)

    def finest(self, known: list[Array], reader: Stream, inside: list[Array]) -> list[Array]:
        """Slots 1 to 3 of the latent, in the order of the model's number of groups."""
        m, known = self.config["latent_channels"], list(known)
        groups = self.config.get("checkerboard_groups", 8)
        if groups == 2:
            known.append(self.step("ctx_b", 0, known, slice(0, m), reader, inside[1]))
            both = np.concatenate((inside[2], inside[3]))
            twice = np.r_[0:m, 0:m]
            return known[1:] + np.split(self.step("ctx_b", 1, known, twice, reader, both), 2)
        parts = groups // 4
        for k in (1, 2, 3):
            found = []
            for i in range(parts):
                part = slice(i * m // parts, (i + 1) * m // parts)
                found.append(self.step("ctx_b", parts * (k - 1) + i, known, part, reader, inside[k][part]))
            known.append(np.concatenate(found))
        return known[1:]

    def step(self, stage: str, t: int, known: list[Array], part: slice | Array, reader: Stream, inside: Array) -> Array:
        if self.new is not None:
            self.h = self.h + self.conv(self.new, f"{stage}.embed.{t}")
        self.h = self.modulate(self.h, f"{stage}.mods.{t}")
        for i in range(self.config["context_blocks"][stage == "ctx_b"]):
            self.h = self.dwconv_rb(self.h, f"{stage}.blocks.{i}")
        u, e = np.split(self.conv(self.h, f"{stage}.heads.{t}"), 2)
        s0, n = self.s0[part], len(u)
        mean, scale = u * planes(s0), e + planes(self.scale0[part])
        for j, slot in enumerate(known):
            w = self.t[f"{stage}.direct.{t}.weight"]
            v = slot[part]
            mean = mean + depthwise(v, w[j * n : j * n + n], None)
            magnitude = formulas.log1p(abs(v) / planes(s0))
            scale = scale + depthwise(magnitude, w[(len(known) + j) * n :][:n], None)
        index = (self.t["entropy.y_thresholds"] < scale[..., None]).sum(-1)
        value = reader.values(index, inside) + mean
        self.new = self.feature(value, s0)
        return value

    def stage(self, x: Array, name: str, blocks: int) -> Array:
        x = self.modulate(x, f"{name}.mod")
        for i in range(blocks):
            x = self.pconv_rb(x, f"{name}.blocks.{i}")
        return x

    def synthesis(self, v: Array) -> Array:
        """Section 10.5."""
        y = v * planes(formulas.exp(self.table("log_down")))
        linear = lapped(pixel_shuffle(conv(y, self.t["linear.syn"], None), 16), self.t["linear.post"]) + F(0.5)
        n4, n8, n16 = self.config["blocks"]
        x = self.stage(self.conv(y, "g_s.stem"), "g_s.s16", n16)
        x = self.stage(pixel_shuffle(self.conv(x, "g_s.up8"), 2), "g_s.s8", n8)
        x = self.stage(pixel_shuffle(self.conv(x, "g_s.up4"), 2), "g_s.s4", n4)
        return linear + pixel_shuffle(self.conv(x, "g_s.head", 1), 4)


def decode(data: bytes, path: Path, networks: dict[str, type]) -> Array:
    """Section 6: the samples, uint8 (H, W, channels)."""
    fields, check, streams = container(data)
    config, tensors, identity = model(path)
    family = ("lite", "hpcm")[fields.get(7, 0)]
    assert identity[:8] == fields[2] and config["family"] == family and 9 not in fields
    width, height = fields[0], fields[1]
    network = networks[family](config, tensors, fields.get(4))
    v = network.latents(streams, height, width)
    assert zlib.crc32(v.astype("<f4").tobytes()) == check
    x = network.synthesis(v)
    if fields.get(5, 3) == 1:
        x = (((x[0] + x[1]) + x[2]) * F(1 / 3))[None]
    samples = np.rint(np.minimum(np.maximum(x, F(0)), F(1)) * F(255)).astype(np.uint8)
    return samples.transpose(1, 2, 0)[:height, :width]
