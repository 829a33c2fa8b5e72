"""The text of FORMAT.md in numpy: one float32 operation after another. Slow, and independent of the C++ sources."""

from __future__ import annotations

import numpy as np

F = np.float32


def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """a * b + c rounded once to float32: a double sum rounded to odd, then to float."""
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    addend = np.asarray(c, np.float64) + np.zeros_like(product)
    product = product + np.zeros_like(addend)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = np.atleast_1d(total).view(np.int64).copy().reshape(np.shape(total))
    outward = np.where((error > 0) == (total > 0), 1, -1)
    bits = bits + np.where((error != 0) & (bits & 1 == 0), outward, 0)
    return np.atleast_1d(bits).view(np.float64).astype(F).reshape(np.shape(total))


def horner(x: np.ndarray, *coefficients: str) -> np.ndarray:
    """Highest power first."""
    p = F(float.fromhex(coefficients[0])) + np.zeros_like(x)
    for c in coefficients[1:]:
        p = fma(p, x, F(float.fromhex(c)))
    return p


LOG2E, LN2_HIGH, LN2_LOW = (F(float.fromhex(h)) for h in ("0x1.715476p+0", "0x1.63p-1", "-0x1.bd0106p-13"))


def exp(x: np.ndarray) -> np.ndarray:
    zero = ~(x >= -86)
    x = np.where(zero, F(-86), np.minimum(x, F(88)))
    n = np.rint(x * LOG2E)
    r = fma(-n, LN2_LOW, fma(-n, LN2_HIGH, x))
    p = horner(r, "0x1.6a23dp-10", "0x1.123a2p-7", "0x1.5558f2p-5", "0x1.555492p-3", "0x1.fffffcp-2")
    return np.where(zero, F(0), np.ldexp(fma(p, r * r, r) + F(1), n.astype(int)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    e = exp(-np.abs(x))
    return np.where(x >= 0, F(1), e) / (F(1) + e)


def tanh(x: np.ndarray) -> np.ndarray:
    a = np.abs(x)
    e = exp(F(-2) * a)
    large = (F(1) - e) / (F(1) + e)
    z = np.where(a < 0.625, x, F(0)) ** 2
    p = horner(
        z, "0x1.1595f2p-9", "-0x1.0b3a64p-7", "0x1.63718ep-6", "-0x1.b9edcp-5", "0x1.11106ep-3", "-0x1.555554p-2"
    )
    return np.where(a < 0.625, fma(p * z, x, x), np.where(x < 0, -large, large))


def split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """k and f of x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2)."""
    m, k = np.frexp(x)
    low = m < np.array([0x3F3504F3], np.uint32).view(F)[0]
    return np.where(low, k - 1, k), np.where(low, m * F(2), m) - F(1)


def log_of_split(k: np.ndarray, f: np.ndarray) -> np.ndarray:
    k = k.astype(F)
    z = f * f
    p = horner(
        f,
        *("0x1.14733ep-4", "-0x1.de01dcp-4", "0x1.e6c00ap-4", "-0x1.fc28cap-4", "0x1.233ba2p-3"),
        *("-0x1.555c44p-3", "0x1.99a476p-3", "-0x1.000006p-2", "0x1.555548p-2"),
    )
    y = fma(F(-0.5), z, fma(k, LN2_LOW, (f * z) * p))
    return fma(k, LN2_HIGH, f + y)


def log(x: np.ndarray) -> np.ndarray:
    tiny, huge = F(2.0**-126), np.finfo(F).max
    x = np.where(tiny < x, x, tiny)
    return log_of_split(*split(np.where(x < huge, x, huge)))


def log1p(x: np.ndarray) -> np.ndarray:
    x = np.where(x > 0, x, F(0))
    x = np.where(x < 2.0**100, x, F(2.0**100))
    u = F(1) + x
    lost = np.where(x < 1, x - (u - F(1)), F(1) - (u - x))
    k, f = split(u)
    return log_of_split(k, fma(lost, np.ldexp(F(1), -k), f))


def softmax(x: np.ndarray) -> np.ndarray:
    e = exp(x - x.max(axis=0))
    total = np.zeros(x.shape[1:], F)
    for row in e:
        total = total + row
    return e / total


def layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float) -> np.ndarray:
    total = squares = np.zeros(x.shape[1:], F)
    for row in x:
        total = total + row
    d = x - total / F(len(x))
    for row in d:
        squares = fma(row, row, squares)
    inverse = F(1) / np.sqrt(squares / F(len(x)) + F(eps))
    return fma(d * inverse, weight[:, None, None], bias[:, None, None])


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """One head in one window: (components, tokens) each."""
    components, tokens = q.shape
    scores = np.zeros((tokens, tokens), F)  # [key, query]
    for b in range(components):
        scores = fma(k[b][:, None], q[b][None], scores)
    e = exp(
        scores * F(1 / np.sqrt(np.float64(components))) - (scores * F(1 / np.sqrt(np.float64(components)))).max(axis=0)
    )
    total = np.zeros(tokens, F)
    out = np.zeros((components, tokens), F)
    for j in range(tokens):
        total = total + e[j]
        out = fma(e[j][None], v[:, j][:, None], out)
    return out / total
