"""The operations of FORMAT.md section 11, slow and plain, without a line of the product's code.

Every function takes its operands (maps (C, H, W), parameters as they are), the attributes, and the latent grid.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))
import formulas
from formulas import fma

F = np.float32
Array = np.ndarray
Grid = tuple[int, int]


def number(bits: int) -> np.float32:
    return np.frombuffer(struct.pack("<I", bits), "<f4")[0]


def size(stored: list[int], n: int) -> int:
    """10.2"""
    m, d = stored
    return m * -(-n // d) if d > 0 else m * (n // -d)


def sizes(stored: list[list[int]], grid: Grid) -> list[int]:
    """Rows and columns in turn."""
    return [size(one, grid[i % 2]) for i, one in enumerate(stored)]


# ------------------------------------------------------------------------------------------------ 11.1
def conv(x: Array, w: Array, b: Array | None, stride: int = 1, padding: int = 0) -> Array:
    o, channels, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = ((n - k) // stride + 1 for n, k in zip(padded.shape[1:], (kh, kw), strict=True))
    acc = np.broadcast_to((np.zeros(o, F) if b is None else b)[:, None, None], (o, height, width)).astype(F)
    for c in range(channels):
        for ky in range(kh):
            for kx in range(kw):
                taps = padded[c, ky : ky + stride * height : stride, kx : kx + stride * width : stride]
                acc = fma(w[:, c, ky, kx, None, None], taps[None], acc)
    return acc + F(0)


def conv_transpose2d(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (x, w, b), (stride, padding) = given, attributes
    channels, o, k, _ = w.shape
    height, width = ((n - 1) * stride + k - 2 * padding for n in x.shape[1:])
    acc = np.broadcast_to((np.zeros(o, F) if b is None else b)[:, None, None], (o, height, width)).astype(F)
    for c in range(channels):
        for ky in range(k):
            for kx in range(k):
                i, j = np.indices((height, width))
                down, across = i + padding - ky, j + padding - kx
                ok = (down % stride == 0) & (across % stride == 0) & (down >= 0) & (across >= 0)
                down, across = down // stride, across // stride
                ok &= (down < x.shape[1]) & (across < x.shape[2])
                value = x[c][np.where(ok, down, 0), np.where(ok, across, 0)]
                acc = np.where(ok, fma(w[c, :, ky, kx, None, None], value[None], acc), acc)
    return acc + F(0)


def depthwise(x: Array, w: Array, b: Array | None, padding: int) -> Array:
    parts = [conv(x[c : c + 1], w[c : c + 1], None if b is None else b[c : c + 1], 1, padding) for c in range(len(x))]
    return np.concatenate(parts)


def grouped(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, w, b = given
    g, padding = w.shape[1], w.shape[2] // 2
    out = None
    for e in range(g):
        source = np.stack([x[g * (c // g) + e] for c in range(len(x))])
        part = depthwise(source, w[:, e : e + 1], b if e == 0 else None, padding)
        out = part if out is None else out + part
    return out


SLOPE = F(0.01)


def leaky(x: Array, slope: np.float32 = SLOPE) -> Array:
    return np.where(x > 0, x, x * slope)


def feed_forward(t: Array, ew: Array, eb: Array, rw: Array, rb: Array) -> Array:
    return conv(leaky(conv(t, ew, eb)), rw, rb)


def pconv_rb(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, sw, sb, *rest = given
    t = np.concatenate((conv(x[: len(sw)], sw, sb, 1, 1), x[len(sw) :]))
    return x + feed_forward(t, *rest)


def dwconv_rb(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, sw, sb, *rest = given
    return x + feed_forward(depthwise(x, sw, sb, 1), *rest)


# ------------------------------------------------------------------------------------------------ 11.2, 11.3
def signed_log_feature(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, s = given
    m = formulas.log1p(abs(x) / s.reshape(-1, 1, 1))
    return np.concatenate((np.sign(x) * m, m))


def step_sizes(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    text = """0.5 0.52213687 0.5452539 0.5693943 0.59460354 0.6209289 0.6484198 0.6771278
        0.70710677 0.7384131 0.7711054 0.80524516 0.8408964 0.8781261 0.91700405 0.9576033"""
    low = np.array(text.split(), F)
    table = np.concatenate((low, 2 * low, [F(2)])).astype(F)
    bounded = np.clip(np.nan_to_num(given[0], nan=-1), F(-1), F(1))
    return table[np.rint(bounded * F(16)).astype(int) + 16]


def blend_rows(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    weights, rows = given
    acc = np.zeros(rows.shape[1], F)
    for weight, row in zip(weights.ravel(), rows, strict=True):
        acc = fma(weight, row, acc)
    return acc.reshape(-1, 1, 1)


def layer_norm(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, gain, bias = given
    s = np.zeros_like(x[0])
    for plane in x:
        s = s + plane
    u, q = s / F(len(x)), np.zeros_like(x[0])
    for plane in x:
        q = fma(plane - u, plane - u, q)
    i = F(1) / np.sqrt(q / F(len(x)) + number(attributes[0]))
    return fma((x - u) * i, gain.reshape(-1, 1, 1), bias.reshape(-1, 1, 1))


def unit(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (x,) = given
    s = np.zeros_like(x[0])
    for plane in x:
        s = fma(plane, plane, s)
    return x / np.sqrt(np.maximum(s, F(1e-12)))


def sum_channels(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    s = np.zeros_like(given[0][0])
    for plane in given[0]:
        s = s + plane
    return s[None]


def pooled(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    flat = given[0].reshape(len(given[0]), -1)
    total = np.zeros(len(flat), F)
    for start in range(0, flat.shape[1], 64):
        part = np.zeros(len(flat), F)
        for value in flat[:, start : start + 64].T:
            part = part + value
        total = total + part
    return (total / F(flat.shape[1])).reshape(-1, 1, 1)


# ------------------------------------------------------------------------------------------------ 11.4, 11.5
def pixel_shuffle(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (x,), (r,) = given, attributes
    c, h, w = x.shape
    return x.reshape(c // r**2, r, r, h, w).transpose(0, 3, 1, 4, 2).reshape(c // r**2, h * r, w * r)


def pixel_unshuffle(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (x,), (r,) = given, attributes
    c, h, w = x.shape
    return x.reshape(c, h // r, r, w // r, r).transpose(0, 2, 4, 1, 3).reshape(c * r * r, h // r, w // r)


def regroup(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    groups, (p, q), in_groups, in_tiles, table = attributes
    w = len(given[0]) // in_groups[0]
    down, across = (n // t for n, t in zip(given[0].shape[1:], in_tiles[0], strict=True))
    out = np.zeros((groups * w, down * p, across * q), F)
    for index, item in enumerate(table):
        g, u, z = index // (p * q), index // q % p, index % q
        if item is not None:
            k, source, a, b = item
            r, s = in_tiles[k]
            out[g * w : (g + 1) * w, u::p, z::q] = given[k][source * w : (source + 1) * w, a::r, b::s]
    return out


def crop(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    top, left, rows, columns = sizes(attributes, grid)
    return given[0][:, top : top + rows, left : left + columns]


def enlarged(x: Array, stored: list[Any], grid: Grid, mode: Any) -> Array:
    rows, columns = sizes(stored, grid)
    return np.pad(x, ((0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2])), mode)


def fill(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    channels, *stored, bits = attributes
    return np.full((channels, *sizes(stored, grid)), number(bits), F)


def labels_of(channels: int, groups: int, tile: list[int], labels: list[int], rows: int, columns: int) -> Array:
    (p, q), table = tile, np.array(labels).reshape(groups, *tile)
    c, i, j = np.indices((channels, rows, columns))
    return table[c * groups // channels, i % p, j % q]


def within(found: Array, rows: int, columns: int) -> Array:
    found = found.copy()
    found[:, rows:] = False
    found[:, :, columns:] = False
    return found


def select(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    *table, label, parts = attributes
    lists = []
    for x, part in zip(given, parts, strict=True):
        lists.append(x[within(labels_of(*table, *x.shape[1:]) == label, *sizes(part, grid))])
    return np.concatenate(lists).reshape(-1, 1, 1)


def place(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    *table, label, parts, index, rows, columns = attributes
    whole = labels_of(*table, *sizes([rows, columns], grid)) == label
    marks = [within(whole, *sizes(part, grid)) for part in parts]
    first = sum(int(mark.sum()) for mark in marks[:index])
    out = np.zeros(whole.shape, F)
    out[marks[index]] = given[0].ravel()[first : first + int(marks[index].sum())]
    return out


def label_mask(given: list[Array], attributes: list[Any], grid: Grid) -> Array:
    *table, below, rows, columns, high, wide = attributes
    labels = labels_of(*table, *sizes([high, wide], grid))
    return within(labels < below, *sizes([rows, columns], grid)).astype(F)


# ------------------------------------------------------------------------------------------------ 11.6
def extended(x: Array) -> Array:
    return np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2)), "edge")


def butterfly(a: Array, b: Array, c: Array, d: Array) -> list[Array]:
    half = F(0.5)
    return [
        ((a + b) + (c + d)) * half,
        ((a + b) - (c + d)) * half,
        ((a - b) + (c - d)) * half,
        ((a - b) - (c - d)) * half,
    ]


def haar(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x = extended(given[0])
    return np.concatenate(butterfly(x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]))


def inverse_haar(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    a, b, c, d = butterfly(*np.split(given[0], 4))
    out = np.empty((len(a), 2 * a.shape[1], 2 * a.shape[2]), F)
    out[:, ::2, ::2], out[:, ::2, 1::2], out[:, 1::2, ::2], out[:, 1::2, 1::2] = a, b, c, d
    return out


def lapped_filter(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    x, p = given[0].copy(), given[1]
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


def cell_sum(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (x,), (f,) = given, attributes
    total = None
    for a in range(f):
        for b in range(f):
            part = x[:, a::f, b::f]
            total = part if total is None else total + part
    return total


def cell_rms(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    t = extended(np.maximum(given[0], number(attributes[0])))
    a, b, c, d = (s * s for s in (t[:, ::2, ::2], t[:, ::2, 1::2], t[:, 1::2, ::2], t[:, 1::2, 1::2]))
    return np.sqrt(((a + b) + (c + d)) * F(0.25))


# ------------------------------------------------------------------------------------------------ 11.8
def window_attention(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (q, k, v), (window, heads) = given, attributes
    e, out = len(q) // heads, np.empty_like(v)
    c = F(np.float64(1) / np.sqrt(np.float64(e)))
    for top in range(0, q.shape[1], window):
        for left in range(0, q.shape[2], window):
            part = (slice(None), slice(top, top + window), slice(left, left + window))
            tokens = [t[part].reshape(heads, e, -1) for t in (q, k, v)]
            found = [head_attention(*(t[a] for t in tokens), c) for a in range(heads)]
            out[part] = np.concatenate(found).reshape(out[part].shape)
    return out


def head_attention(q: Array, k: Array, v: Array, c: np.float32) -> Array:
    """(e, tokens) each."""
    s = np.zeros((q.shape[1], k.shape[1]), F)
    for b in range(len(q)):
        s = fma(q[b][:, None], k[b][None], s)
    s = s * c
    p = formulas.exp(s - s.max(1, keepdims=True))
    z = np.zeros(len(s), F)
    for u in range(s.shape[1]):
        z = z + p[:, u]
    out = np.zeros((len(v), len(s)), F)
    for u in range(s.shape[1]):
        out = fma(p[:, u][None], v[:, u][:, None], out)
    return out / z


State = tuple[Array, Array, Array]


def wkv_step(s: State, w: Array, k: Array, v: Array) -> State:
    m, n, d = s
    mo = m - w
    top = np.maximum(mo, k)
    a, b = formulas.exp(mo - top), formulas.exp(k - top)
    return top, fma(a, n, b * v), fma(a, d, b)


def wkv_join(o: State, s: State, length: int, w: Array) -> State:
    mo = fma(F(-length), w, o[0])
    top = np.maximum(mo, s[0])
    a, b = formulas.exp(mo - top), formulas.exp(s[0] - top)
    return top, fma(a, o[1], b * s[1]), fma(a, o[2], b * s[2])


def bi_wkv(w: Array, u: Array, k: Array, v: Array) -> Array:
    """9.3, all channels at once: k, v (C, T)."""
    empty = (np.full(len(w), -np.inf, F), np.zeros(len(w), F), np.zeros(len(w), F))
    count = k.shape[1]
    chunks = [range(start, min(start + 64, count)) for start in range(0, count, 64)]

    def scanned(tokens: Any, state: State) -> State:
        for t in tokens:
            state = wkv_step(state, w, k[:, t], v[:, t])
        return state

    def before(order: list[range], turn: int) -> list[State]:
        states = [empty]
        for chunk in order[:-1]:
            states.append(wkv_join(states[-1], scanned(chunk[::turn], empty), len(chunk), w))
        return states

    left, right = before(chunks, 1), before(chunks[::-1], -1)[::-1]
    out = np.empty_like(k)
    for chunk, p, q in zip(chunks, left, right, strict=True):
        for t in chunk:
            a_state, b_state = scanned(range(chunk[0], t), p), scanned(range(chunk[-1], t, -1), q)
            s = u + k[:, t]
            top = np.maximum(np.maximum(a_state[0], b_state[0]), s)
            a, b, c = (formulas.exp(m - top) for m in (a_state[0], b_state[0], s))
            over = fma(c, v[:, t], fma(b, b_state[1], a * a_state[1]))
            out[:, t] = over / (fma(b, b_state[2], a * a_state[2]) + c)
    return out


def wkv(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    k, v, w, u = given
    w, u, out = w.ravel(), u.ravel(), np.empty_like(v)
    r, s = (n or side for n, side in zip(attributes, k.shape[1:], strict=True))
    for top in range(0, k.shape[1], r):
        for left in range(0, k.shape[2], s):
            part = (slice(None), slice(top, top + r), slice(left, left + s))
            found = bi_wkv(w, u, k[part].reshape(len(w), -1), v[part].reshape(len(w), -1))
            out[part] = found.reshape(out[part].shape)
    return out


def recall(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (q, *rest), (n, topk, bits) = given, attributes
    keys, values = rest[:n], rest[n:]
    shape = values[0].shape[1:]
    scores = []
    for key in keys:
        s = np.zeros(np.broadcast_shapes(q.shape[1:], key.shape[1:]), F)
        for c in range(len(q)):
            s = fma(q[c], key[c], s)
        scores.append(np.broadcast_to(s, shape))
    s, i = np.stack(scores), F(1) / number(bits)
    order = np.argsort(-s, axis=0, kind="stable")[: min(topk, n)]
    best = np.take_along_axis(s, order, 0)
    p = formulas.exp((best - best[0]) * i)
    z = p[0]
    for part in p[1:]:
        z = z + part
    out = np.zeros(values[0].shape, F)
    for r in range(len(p)):
        value = np.take_along_axis(np.stack(values), order[r][None, None], 0)[0]
        out = fma(p[r] / z, value, out)
    return out


def summarise(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (k, v), (heads,) = given, attributes
    d, count = len(k), k.shape[1] * k.shape[2]
    f = d // heads
    k, v = k.reshape(d, -1), v.reshape(d, -1)
    total: Array | None = None
    for start in range(0, count, 64):
        part = np.zeros((d, 1, 2 + f), F)
        own, peak = k[:, start : start + 64], k[:, start : start + 64].max(1)
        p = formulas.exp(own - peak[:, None])
        part[:, 0, 0] = peak
        for t in range(p.shape[1]):
            part[:, 0, 1] = part[:, 0, 1] + p[:, t]
            heads_of = v[:, start + t].reshape(heads, f).repeat(f, 0)
            part[:, 0, 2:] = fma(p[:, t][:, None], heads_of, part[:, 0, 2:])
        total = part if total is None else join_summaries([total, part], [], grid)
    assert total is not None
    total[:, :, 1:] = total[:, :, 1:] / F(count)
    return total


def join_summaries(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    a, b = given
    top = np.maximum(a[:, :, :1], b[:, :, :1])
    x, y = formulas.exp(a[:, :, :1] - top), formulas.exp(b[:, :, :1] - top)
    return np.concatenate((top, fma(x, a[:, :, 1:], y * b[:, :, 1:])), 2)


def attend_summary(given: list[Array], attributes: list[int], grid: Grid) -> Array:
    (q, s), (heads,) = given, attributes
    f, out = len(q) // heads, []
    mixing = s[:, 0, 2:] / s[:, 0, 1:2]
    for head in range(heads):
        own = q[head * f : (head + 1) * f]
        p = formulas.exp(own - own.max(0))
        t = np.zeros_like(p[0])
        for plane in p:
            t = t + plane
        out.append(conv(p / t, mixing[head * f : (head + 1) * f].T[:, :, None, None], None))
    return np.concatenate(out)


def plain(function: Any) -> Any:
    return lambda given, attributes, grid: function(*given)


OPERATIONS: dict[str, Any] = {
    "conv2d": lambda given, a, grid: conv(*given, *a),
    "conv_transpose2d": conv_transpose2d,
    "depthwise": lambda given, a, grid: depthwise(*given, *a),
    "grouped": grouped,
    "pconv_rb": pconv_rb,
    "dwconv_rb": dwconv_rb,
    "add": plain(np.add),
    "subtract": plain(np.subtract),
    "multiply": plain(np.multiply),
    "divide": plain(np.divide),
    "maximum": plain(np.maximum),
    "fma": lambda given, a, grid: fma(*np.broadcast_arrays(*given)),
    "absolute": plain(abs),
    "exp": plain(formulas.exp),
    "sigmoid": plain(formulas.sigmoid),
    "leaky_relu": lambda given, a, grid: leaky(given[0], number(a[0])),
    "signed_log_feature": signed_log_feature,
    "step_sizes": step_sizes,
    "blend_rows": blend_rows,
    "layer_norm": layer_norm,
    "unit": unit,
    "sum_channels": sum_channels,
    "pooled": pooled,
    "concat": lambda given, a, grid: np.concatenate(given),
    "slice": lambda given, a, grid: given[0][a[0] : a[0] + a[1]],
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "double": lambda given, a, grid: given[0].repeat(2, 1).repeat(2, 2),
    "regroup": regroup,
    "crop": crop,
    "extend": lambda given, a, grid: enlarged(given[0], a, grid, "edge"),
    "pad": lambda given, a, grid: enlarged(given[0], a, grid, "constant"),
    "concat_columns": lambda given, a, grid: np.concatenate(given, 2),
    "fill": fill,
    "select": select,
    "place": place,
    "label_mask": label_mask,
    "haar": haar,
    "inverse_haar": inverse_haar,
    "lapped_filter": lapped_filter,
    "cell_sum": cell_sum,
    "cell_rms": cell_rms,
    "window_attention": window_attention,
    "wkv": wkv,
    "recall": recall,
    "summarise": summarise,
    "join_summaries": join_summaries,
    "attend_summary": attend_summary,
}
PARAMETERS = {
    "conv2d", "conv_transpose2d", "depthwise", "grouped", "pconv_rb", "dwconv_rb", "layer_norm", "blend_rows",
    "lapped_filter", "signed_log_feature", "wkv",
}  # fmt: skip
"""Operations whose operands behind the first may be parameters in their own shape; all others see maps."""
