"""The coder against itself on arbitrary tables, and against damaged streams."""

from __future__ import annotations

import hashlib
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmcodec.entropy.coder import EntropyCoder, StreamDecoder
from hpcmcodec.errors import CorruptError, ModelFileError, TruncatedError

INT32 = (-(2**31), 2**31 - 1)

# Recorded from the first release of the format; a change here breaks every file.
GOLDEN_LENGTH = 4318
GOLDEN_HEAD = "2d00f72d00b1bdffffff7eaf"
GOLDEN_TAIL = "c0585300c091"
GOLDEN_HASH = "9c15932a04952eaa9b5554c3d964ecd484d95208ab576e524183cd7b22214d5c"
GOLDEN_SHORT = "5c25276c01fffffad300007f310000"


def random_tables(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, ...]:
    """Rows of 2 to 600 symbols, anything between flat and nearly certain."""
    pieces, offsets = [], []
    for _ in range(rows):
        symbols = int(rng.integers(2, 600)) if rng.random() < 0.5 else int(rng.integers(2, 6))
        cuts = (
            np.sort(rng.choice(65535, symbols - 1, replace=False)) + 1
            if rng.random() < 0.5
            else np.arange(symbols - 1) + 1
        )
        pieces.append(np.concatenate(([0], cuts, [65536])))
        offsets.append(int(rng.integers(-700, 100)))
    lengths = np.array([len(p) for p in pieces], np.int32)
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    return np.concatenate(pieces).astype(np.int32), starts, lengths, np.array(offsets, np.int32)


def draw(
    rng: np.random.Generator, tables: tuple[np.ndarray, ...], count: int, wild: float
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols and rows: mostly within the rows, a share of them anywhere in int32."""
    cdf, starts, lengths, offsets = tables
    rows = rng.integers(0, len(starts), count).astype(np.uint16)
    slot = rng.integers(0, 65536, count)
    inside = [
        np.searchsorted(cdf[starts[r] : starts[r] + lengths[r]], s, "right") - 1
        for r, s in zip(rows, slot, strict=True)
    ]
    symbols = np.array(inside, np.int64).reshape(count) + offsets[rows]
    far = rng.random(count) < wild
    magnitude = 2.0 ** rng.uniform(0, 31.01, count) * rng.choice([-1, 1], count)
    symbols = np.where(far, np.clip(magnitude, *INT32), symbols).astype(np.int32)
    return symbols, rows


def code(coder: EntropyCoder, symbols: np.ndarray, rows: np.ndarray) -> bytes:
    encoder = coder.encoder()
    encoder.add(symbols, rows)
    return encoder.finish()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.one_of(st.integers(0, 40), st.integers(4080, 4120), st.integers(0, 9000)),
    splits=st.lists(st.integers(0, 5000), max_size=12),
    wild=st.sampled_from([0.0, 0.01, 0.5]),
)
def test_round_trip_in_any_portions(seed: int, count: int, splits: list[int], wild: float) -> None:
    rng = np.random.default_rng(seed)
    tables = random_tables(rng, int(rng.integers(1, 6)))
    coder = EntropyCoder(*tables)
    symbols, rows = draw(rng, tables, count, wild)
    data = code(coder, symbols, rows)
    decoder = coder.decoder(data)
    parts, at = [np.zeros(0, np.int32)], 0
    for size in [*splits, count]:
        parts.append(decoder.decode(rows[at : at + size]))
        at = min(count, at + size)
    decoder.finish()
    assert np.array_equal(np.concatenate(parts), symbols)


def test_size_is_the_estimate() -> None:
    rng = np.random.default_rng(5)
    tables = random_tables(rng, 5)
    coder = EntropyCoder(*tables)
    symbols, rows = draw(rng, tables, 60_000, 0.002)
    data = code(coder, symbols, rows)
    estimate = coder.bits(symbols, rows).sum(dtype=np.float64) / 8
    assert estimate <= len(data) <= 1.0005 * estimate + 20


def test_extreme_symbols_survive() -> None:
    coder = EntropyCoder([0, 65535, 65536], [0], [3], [0])
    symbols = np.array([*INT32, 0, 1, -1, 2, -2, INT32[0] + 1, INT32[1] - 1], np.int32)
    rows = np.zeros(len(symbols), np.uint16)
    decoder = coder.decoder(code(coder, symbols, rows))
    assert np.array_equal(decoder.decode(rows), symbols)
    decoder.finish()


def test_shapes_are_kept_and_empty_streams_have_no_bytes() -> None:
    coder = EntropyCoder([0, 65535, 65536], [0], [3], [0])
    encoder = coder.encoder()
    assert encoder.finish() == b""
    coder.decoder(b"").finish()
    symbols = np.arange(24, dtype=np.int32).reshape(2, 3, 4) - 12
    rows = np.zeros((2, 3, 4), np.uint16)
    assert np.array_equal(coder.decoder(code(coder, symbols, rows)).decode(rows), symbols)


def golden_case() -> tuple[EntropyCoder, np.ndarray, np.ndarray]:
    """Everything in one small stream: both lane regimes, escapes on both sides; made without a random generator."""
    cdf = [0, 1, 100, 30000, 65000, 65535, 65536, *range(0, 65536, 64), 65535, 65536]
    coder = EntropyCoder(cdf, [0, 7], [7, len(cdf) - 7], [-2, -500])
    i = np.arange(4500, dtype=np.int64)
    rows = (i * i // 7 % 3 == 0).astype(np.uint16)
    symbols = np.where(rows == 1, i * 7919 % 1023 - 500, np.where(i % 50 == 3, i * i * 37 % 5003 - 2500, i % 3 - 1))
    symbols[[10, 4200]] = INT32
    return coder, symbols.astype(np.int32), rows


def test_golden_bytes() -> None:
    coder, symbols, rows = golden_case()
    data = code(coder, symbols, rows)
    assert (len(data), data[:12].hex(), data[-6:].hex()) == (GOLDEN_LENGTH, GOLDEN_HEAD, GOLDEN_TAIL)
    assert hashlib.sha256(data).hexdigest() == GOLDEN_HASH
    assert np.array_equal(coder.decoder(data).decode(rows), symbols)


def test_short_golden_bytes() -> None:
    coder, _, _ = golden_case()
    data = code(coder, np.array([0, -1, 5, 0, 700, -2], np.int32), np.array([0, 0, 0, 1, 1, 0], np.uint16))
    assert data.hex() == GOLDEN_SHORT


def read_all(coder: EntropyCoder, data: bytes, rows: np.ndarray) -> None:
    decoder = coder.decoder(data)
    half = len(rows) // 3
    decoder.decode(rows[:half])
    decoder.decode(rows[half:])
    decoder.finish()


def test_damaged_streams_are_refused_or_read_but_never_crash() -> None:
    rng = np.random.default_rng(11)
    tables = random_tables(rng, 4)
    coder = EntropyCoder(*tables)
    symbols, rows = draw(rng, tables, 6000, 0.02)
    data = code(coder, symbols, rows)
    refused = 0
    for _ in range(3000):
        broken = bytearray(data)
        for _ in range(int(rng.integers(1, 6))):
            broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
        if rng.random() < 0.3:
            del broken[int(rng.integers(len(broken))) :]
        if rng.random() < 0.1:
            broken += rng.bytes(int(rng.integers(1, 9)))
        try:
            read_all(coder, bytes(broken), rows)
        except (CorruptError, TruncatedError):
            refused += 1
    assert refused > 2700  # the rest: bits of an escaped value, which nothing else depends on (chunks carry a CRC)


def test_every_truncation_is_refused() -> None:
    coder, symbols, rows = golden_case()
    data = code(coder, symbols, rows)
    for size in [*range(0, 60), *range(60, len(data), 97), *range(len(data) - 20, len(data))]:
        with pytest.raises((TruncatedError, CorruptError)):
            read_all(coder, data[:size], rows)
    with pytest.raises(CorruptError, match="left over"):
        read_all(coder, data + b"\0", rows)


@pytest.mark.parametrize("data", [b"\xff" * 400, b"\0" * 400, bytes(range(256)) * 8], ids=["ones", "zeros", "ramp"])
def test_noise_is_refused(data: bytes) -> None:
    coder = EntropyCoder([0, 1, 65536], [0], [3], [0])  # nearly everything is an escape
    with pytest.raises((CorruptError, TruncatedError)):
        read_all(coder, data, np.zeros(100_000, np.uint16))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (([0, 65536], [0], [2], [0]), "lies outside"),
        (([0, 5, 65536], [0], [4], [0]), "lies outside"),
        (([0, 5, 65536], [-1], [3], [0]), "lies outside"),
        (([0, 5, 5, 65536], [0], [4], [0]), "strictly increasing"),
        (([0, 9, 5, 65536], [0], [4], [0]), "strictly increasing"),
        (([1, 5, 65536], [0], [3], [0]), "from 0 to 65536"),
        (([0, 5, 65535], [0], [3], [0]), "from 0 to 65536"),
        (([0, 5, 65536], [0], [3], [2**31 - 1]), "offset"),
        (([0, 5, 65536], [0, 0], [3], [0]), "lengths"),
        (([0, 5, 2**40], [0], [3], [0]), "32 bits"),
        (([0.0, 5.0, 65536.0], [0], [3], [0]), "32 bits"),
        (([], [], [], []), "cdf"),
    ],
)
def test_bad_tables_are_refused(tables: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        EntropyCoder(*(np.array(part) if part else np.zeros(0, np.int32) for part in tables))


def test_rows_are_checked() -> None:
    coder = EntropyCoder([0, 65535, 65536], [0], [3], [0])
    with pytest.raises(ValueError, match="index 1 of 1 rows"):
        code(coder, np.zeros(3, np.int32), np.array([0, 1, 0], np.uint16))
    with pytest.raises(ValueError, match="index 7 of 1 rows"):
        coder.decoder(b"12345678").decode(np.array([7], np.uint16))
    with pytest.raises(ValueError, match="shape"):
        coder.encoder().add(np.zeros(3, np.int32), np.zeros(4, np.uint16))


def test_quantise_nearest_and_rate_aware() -> None:
    coder = EntropyCoder([0, 100, 65435, 65535, 65536], [0], [5], [-1])
    residual = np.array([0.5, 1.5, -0.5, -1.5, 0.51, -0.6, 0.9, 0.0, 2.4], np.float32)
    rows = np.zeros(len(residual), np.uint16)
    assert coder.quantise(residual, rows, 0.0).symbols.tolist() == [0, 2, 0, -2, 1, -1, 1, 0, 2]
    bits = coder.bits(np.array([0, 1], np.int32), rows[:2])
    gain = float(bits[1] - bits[0])
    border = 0.5 + 0.7 * gain / (2 * 8.67)  # where 0.7 gain = 8.67 (r^2 - (1 - r)^2)
    near = np.array([border - 1e-4, border + 1e-4], np.float32)
    assert coder.quantise(near, rows[:2], 0.7).symbols.tolist() == [0, 1]
    with pytest.raises(ValueError, match="residual"):
        coder.quantise(np.array([np.nan], np.float32), rows[:1], 0.7)


def test_a_second_thread_in_one_stream_is_refused_and_changes_nothing() -> None:
    rng = np.random.default_rng(8)
    coder = EntropyCoder(*random_tables(rng, 2))
    rows = np.zeros(3_000_000, np.uint16)
    symbols = np.zeros(rows.shape, np.int32)
    data = code(coder, symbols, rows)
    assert any(_refused(coder.decoder(data), rows, symbols) for _ in range(20))  # if they ever meet


def _refused(decoder: StreamDecoder, rows: np.ndarray, symbols: np.ndarray) -> bool:
    """Whether a thread that reads a stream while another one does was refused; what the other reads is right."""
    results: list[np.ndarray] = []

    def read() -> None:
        while not results:
            try:
                results.append(decoder.decode(rows))
            except RuntimeError:  # the other thread was there first
                continue

    thread = threading.Thread(target=read)
    thread.start()
    refused = False
    while thread.is_alive():
        try:
            decoder.decode(rows[:0])
        except RuntimeError as error:
            refused = refused or "two threads" in str(error)
    thread.join()
    assert np.array_equal(results[0], symbols)
    decoder.finish()
    return refused
