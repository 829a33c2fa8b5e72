"""The family hpcm, written from FORMAT.md section 11 alone; the other half of reference_decoder.py."""

from __future__ import annotations

from math import lcm

import numpy as np
from reference_decoder import Array, F, Stream, conv, depthwise, formulas, leaky

LATTICE2 = ((0, 0), (1, 1), (0, 1), (1, 0)) * 2
LATTICE1 = ((0, 0), (0, 1), (1, 0), (1, 1))
PAIR = (
    ((0, 0), (2, 2)),
    ((0, 2), (2, 0)),
    ((1, 1), (3, 3)),
    ((1, 3), (3, 1)),
    ((0, 1), (2, 3)),
    ((0, 3), (2, 1)),
    ((1, 0), (3, 2)),
    ((1, 2), (3, 0)),
)
ADAPTORS = (None, "s1.0", "s2.2", "s2.0", "s2.1", "s3.5", "s3.0", "s3.1", "s3.2", "s3.3", "s3.4")


def group_at(step: int, i: int, j: int) -> int:
    """11.4: the group coded at a position."""
    if step < 2:
        return (i + j + step) % 2
    if step < 5:
        return (2 * (i % 2) + j % 2) ^ (5 - step)
    t = step - 3
    places = [PAIR[((t if g < 4 else t ^ 1) + 2 * (g % 4)) % 8] for g in range(8)]
    (g,) = (g for g, pair in enumerate(places) if (i % 4, j % 4) in pair)
    return g


def groups_of(x: Array, lattice: tuple, maps: int) -> list[tuple[slice, int, int]]:
    """(channels, row, column) of every group of every map of M channels in x."""
    n = len(x) // maps // len(lattice)
    return [(slice(g * n, g * n + n), *place) for g, place in enumerate(lattice * maps)]


def down(x: Array, lattice: tuple, maps: int) -> Array:
    out = np.empty((len(x), x.shape[1] // 2, x.shape[2] // 2), x.dtype)
    for c, p, q in groups_of(x, lattice, maps):
        out[c] = x[c, p::2, q::2]
    return out


def overlay(x: Array, c: Array, lattice: tuple, maps: int) -> Array:
    out = x.copy()
    for part, p, q in groups_of(c, lattice, maps):
        out[part, p::2, q::2] = c[part]
    return out


def scatter(c: Array, lattice: tuple) -> Array:
    return overlay(np.zeros((len(c), 2 * c.shape[1], 2 * c.shape[2]), F), c, lattice, 1)


def legacy(half: Array) -> Array:
    """11.5 for one half; cells that the text leaves open are not numbers here."""
    p2 = down(half, LATTICE2, 1)
    out, n = p2.copy(), len(p2) // 8
    w = p2.shape[2]
    h = w // 2
    out[2 * n : 4 * n, 0::2] = np.nan
    out[2 * n : 4 * n, 0::2, 0::2] = p2[2 * n : 4 * n, 0::2, 1::2]
    for first, columns in ((4, slice(1, None, 2)), (6, slice(0, None, 2))):
        part = slice(first * n, first * n + 2 * n)
        out[part, 0::2, :h] = p2[part, 0::2, 0::2]
        out[part, 0::2, h:] = p2[part, 1::2, :h]
        out[part, 1::2] = np.nan
        out[part, 1::2, columns] = p2[part, 1::2, h:]
    return out


def up(x: Array, w: Array, b: Array) -> Array:
    """Transposed conv, stride 2, kernel 2 padding 0 or kernel 4 padding 1, as in 9.2."""
    k = w.shape[2]
    p = (k - 2) // 2
    _, height, width = x.shape
    out = np.empty((w.shape[1], 2 * height, 2 * width), F)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    for a in range(2):
        for c in range(2):
            ys = [ky for ky in range(k) if (a + p - ky) % 2 == 0]
            xs = [kx for kx in range(k) if (c + p - kx) % 2 == 0]
            acc = np.broadcast_to(b[:, None, None], (len(b), height, width))
            for channel in range(len(x)):
                for ky in ys:
                    for kx in xs:
                        dy, dx = (a + p - ky) // 2 + 1, (c + p - kx) // 2 + 1
                        tap = padded[None, channel, dy : dy + height, dx : dx + width]
                        acc = formulas.fma(w[channel, :, ky, kx, None, None], tap, acc)
            out[:, a::2, c::2] = acc + F(0)
    return out


def attention(q: Array, k: Array, v: Array, window: int, heads: int) -> Array:
    out, e = np.empty_like(q), len(q) // heads
    for a in range(heads):
        for i in range(0, q.shape[1], window):
            for j in range(0, q.shape[2], window):
                place = (slice(a * e, a * e + e), slice(i, i + window), slice(j, j + window))
                tokens = (t[place].reshape(e, -1) for t in (q, k, v))
                out[place] = formulas.attention(*tokens).reshape(e, window, window)
    return out


class Hpcm:
    """The network of a model file."""

    def __init__(self, config: dict, tensors: dict[str, Array], _quality: object) -> None:
        self.config, self.t = config, tensors
        w1, w2, w3 = config["context"]["windows"] if config["context"]["fusion"] == "window" else (1, 1, 1)
        self.multiple = 16 * lcm(8, 4 * w1, 2 * w2, w3)

    def conv(self, x: Array, name: str, padding: int = 0) -> Array:
        return conv(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"], padding)

    def up(self, x: Array, name: str) -> Array:
        return up(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"])

    def pconv_rbs(self, x: Array, names: list[str]) -> Array:
        for name in names:
            n1 = len(x) // self.config["transform"]["partial"]
            t = np.concatenate((self.conv(x[:n1], f"{name}.branch.0.pconv", 1), x[n1:]))
            x = x + self.conv(leaky(self.conv(t, f"{name}.branch.1")), f"{name}.branch.3")
        return x

    def dwconv_rbs(self, x: Array, prefix: str, numbers: range) -> Array:
        for i in numbers:
            name = f"{prefix}.{i}"
            t = depthwise(x, self.t[f"{name}.branch.0.weight"], self.t[f"{name}.branch.0.bias"])
            x = x + self.conv(leaky(self.conv(t, f"{name}.branch.1")), f"{name}.branch.3")
        return x

    def h_s(self, z: Array) -> Array:
        prefix = "h_s" if self.config["transform"]["naming"] == "chunks" else "h_s.branch"
        i = 0
        for blocks in self.config["hyper"]["synthesis_blocks"]:
            z = self.up(z, f"{prefix}.{i}")
            z = self.pconv_rbs(z, [f"{prefix}.{i + 1 + k}" for k in range(blocks)])
            i += 1 + blocks
        return z

    def synthesis(self, y: Array) -> Array:
        i = 0
        for s in (4, 3, 2, 1):
            blocks = self.config["transform"]["synthesis_blocks"][s - 1]
            if self.config["transform"]["naming"] == "chunks":
                y = self.pconv_rbs(y, [f"g_s.g_s_chunk{s}.{k}" for k in range(blocks)])
                y = self.up(y, f"g_s.g_s_up{s}")
            else:
                y = self.pconv_rbs(y, [f"g_s.branch.{i + k}" for k in range(blocks)])
                y = self.up(y, f"g_s.branch.{i + blocks}")
                i += blocks + 1
        return y

    def latents(self, streams: list[bytes], height: int, width: int) -> Array:
        t, self.m = self.t, self.config["transform"]["widths"][-1]
        rows, columns = (-(-side // self.multiple) * self.multiple // 16 for side in (height, width))
        readers = [Stream(data, t) for data in streams]
        scales = t["scales_hyper"].reshape(-1)
        inside = np.zeros((len(scales), rows // 4, columns // 4), bool)
        inside[:, : -(-height // 64), : -(-width // 64)] = True
        index = (t["entropy.z_thresholds"] < scales[:, None]).sum(1)
        q = readers[0].symbols(np.broadcast_to(index[:, None, None], inside.shape), inside)
        p = self.h_s(q + t["means_hyper"][0])

        inside3 = np.zeros((self.m, rows, columns), bool)
        inside3[:, : -(-height // 16), : -(-width // 16)] = True
        inside2 = down(inside3, LATTICE2, 1)
        self.inside = (down(inside2, LATTICE1, 1), inside2, inside3)
        self.readers = readers
        if self.config["context"]["hyper_placement"] == "legacy":
            placed = np.concatenate([legacy(half) for half in np.split(p, 2)])
        else:
            placed = down(p, LATTICE2, 2)

        self.c = down(down(p, LATTICE2, 2), LATTICE1, 2)
        self.y = self.code(self.c, 0)
        self.run(1)
        self.c = self.conv(overlay(placed, self.c, LATTICE1, 2), "context_net.0")
        self.y = scatter(self.y, LATTICE1)
        for step in (2, 3, 4):
            self.run(step)
        self.c = self.conv(overlay(p, self.c, LATTICE2, 2), "context_net.1")
        self.y = scatter(self.y, LATTICE2)
        for step in range(5, 11):
            self.run(step)
        for reader in readers:
            reader.finish()
        return self.y

    def run(self, step: int) -> None:
        prediction = self.predict(step)
        self.c = self.fuse(1 if step < 2 else 2 if step < 5 else 3, prediction)
        self.y = self.y + self.code(prediction, step)

    def predict(self, step: int) -> Array:
        context, scale = self.config["context"], 1 if step < 2 else 2 if step < 5 else 3
        adaptor = f"y_spatial_prior_adaptor_list_{ADAPTORS[step]}"
        blocks = context["adaptor_blocks"][scale - 1]
        u = np.concatenate((self.c, self.y))
        u = self.dwconv_rbs(u, adaptor, range(blocks)) if blocks else self.conv(u, adaptor)
        prior = context["fine_prior" if scale == 3 else "coarse_prior"]
        name = "y_spatial_prior_s3" if scale == 3 else "y_spatial_prior_s1_s2"
        u = self.dwconv_rbs(u, f"{name}.branch_1", range(prior["before"]))
        u = u * self.t[f"adaptive_params_list.{step - 1}"][0]
        after = prior["after"]
        u = self.conv(self.dwconv_rbs(u, f"{name}.branch_2", range(after)), f"{name}.branch_2.{after}")
        return self.dwconv_rbs(u, f"{name}.branch_2", range(after + 1, after + 1 + prior["tail"]))

    def fuse(self, scale: int, x: Array) -> Array:
        context = self.config["context"]
        if context["fusion"] == "none":
            return x
        name = f"attn_s{scale}"
        q, k, v = (
            self.conv(*a) for a in ((x, f"{name}.conv_q"), (self.c, f"{name}.conv_k"), (self.c, f"{name}.conv_v"))
        )
        return attention(q, k, v, context["windows"][scale - 1], context["heads"]) + self.conv(x, f"{name}.conv_out")

    def code(self, v: Array, step: int) -> Array:
        scale = 1 if step < 2 else 2 if step < 5 else 3
        n = self.m // 2**scale
        height, width = v.shape[1:]
        group = np.array([[group_at(step, i, j) for j in range(width)] for i in range(height)])
        channel = group[None] * n + np.arange(n)[:, None, None]

        def pack(x: Array) -> Array:
            return np.take_along_axis(x, channel, 0)

        scales, means = (pack(half) for half in np.split(v, 2))
        index = (self.t["entropy.y_thresholds"] < scales[..., None]).sum(-1)
        values = self.readers[scale].symbols(index, pack(self.inside[scale - 1])) + means
        out = np.zeros((self.m, height, width), F)
        np.put_along_axis(out, channel, values, 0)
        return out
