"""FORMAT.md says what the code does: its tables and its worked examples are read and compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec.codec.exact import encode_part
from hpcmcodec.formats import chunks, container, exact, header
from hpcmcodec.formats.container import Header, Tile

TEXT = (Path(container.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """From a heading to the next one of any level."""
    return re.split(r"\n##+ ", TEXT.split(f" {title}\n", 1)[1], maxsplit=1)[0]


def rows(title: str) -> list[list[str]]:
    """Cells of the table lines of a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def dump(title: str) -> bytes:
    """The bytes of a section's hexadecimal dump."""
    return bytes.fromhex(section(title).split("```")[1])


def test_example_file() -> None:
    made = container.write(
        Header(3, 2, "lite", bytes.fromhex("0123456789abcdef"), quality=50, channels=1, alpha=True),
        [Tile((b"\x11\x22\x33", b"", b"\x44", b"\x55\x66"), 0x01020304)],
        exact=[encode_part(0, exact.ALPHA, np.full((2, 3, 1), 128, np.uint8), depth=8, reference=None, near=0)],
    )
    assert made == dump("13.1 A file") and f"{len(made)} bytes" in section("13.1 A file")
    file = container.read(made)
    file.verify()
    explained = "".join(row[0] for row in rows("13.1 A file"))
    assert bytes.fromhex(explained.replace(",", "")) == made


ROWS = [[0, 1, 100, 30000, 65000, 65535, 65536], [*range(0, 65473, 64), 65535, 65536]]
OFFSETS = [-2, -500]


def family() -> Any:
    """The two rows of the example as the coder wants them."""
    kernels = pytest.importorskip("hpcmcodec.kernels")
    lengths = [len(row) for row in ROWS]
    arrays = (np.concatenate(ROWS), [0, lengths[0]], lengths, OFFSETS)
    return kernels.TableSet(*(np.array(array, np.int32) for array in arrays))


def encoded(symbols: np.ndarray, rows: np.ndarray) -> bytes:
    from hpcmcodec import kernels

    return kernels.rans_encode(symbols.astype(np.int32), rows.astype(np.uint16), family())


def decode_stream(data: bytes, rows: list[int]) -> list[int]:
    """Section 7.2 word by word."""
    position, lanes, symbols = 0, [1 << 24] * 4, []

    def take(n: int) -> int:
        nonlocal position
        position += n
        assert position <= len(data)
        return int.from_bytes(data[position - n : position], "little")

    def refill(x: int) -> int:
        return x * 65536 + take(2) if x < 1 << 24 else x

    def raw(lane: int, k: int) -> int:
        value = lanes[lane] % 2**k
        lanes[lane] = refill(lanes[lane] // 2**k)
        return value

    for t, row in enumerate(rows):
        c, lane = ROWS[row], 0 if t < 4096 else t % 4
        if t in (0, 4097, 4098, 4099):
            lanes[lane] = take(5)
            assert lanes[lane] >= 1 << 24
        slot = lanes[lane] % 65536
        i = max(k for k in range(len(c) - 1) if c[k] <= slot)
        lanes[lane] = refill((c[i + 1] - c[i]) * (lanes[lane] // 65536) + slot - c[i])
        n = len(c) - 1
        if i < n - 1:
            symbols.append(OFFSETS[row] + i)
            continue
        below, bits = raw(lane, 1), 0
        while raw(lane, 1):
            bits += 1
        v = 1
        while bits:
            piece = min(bits, 16)
            v = v << piece | raw(lane, piece)
            bits -= piece
        symbols.append(OFFSETS[row] - 1 - (v - 1) if below else OFFSETS[row] + n - 1 + (v - 1))
    assert position == len(data) and lanes == [1 << 24] * 4
    return symbols


def test_example_stream() -> None:
    symbols, rows = [0, -1, 5, 0, 700, -2], [0, 0, 0, 1, 1, 0]
    assert decode_stream(dump("13.2 A stream"), rows) == symbols
    assert encoded(np.array(symbols), np.array(rows)) == dump("13.2 A stream")


def test_streams_are_as_the_text_says() -> None:
    rng = np.random.default_rng(2)
    for count in (1, 3, 4096, 4097, 4099, 4103, 5000):
        symbols = np.rint(rng.standard_cauchy(count) * 2).clip(-(2.0**31), 2.0**31 - 1).astype(np.int64)
        symbols[: min(count, 2)] = [-(2**31), 2**31 - 1][:count]
        rows = (rng.random(count) < 0.1).astype(int)
        assert decode_stream(encoded(symbols, rows), rows.tolist()) == symbols.tolist()


def test_chunk_types() -> None:
    listed = {row[1]: int(row[0], 16) for row in rows("4.1 Types")}
    assert listed == {
        name: getattr(chunks, name) for name in ("ICC", "TILE_INDEX", "LATENT", "EXACT", "EXIF", "XMP", "FLAT")
    }
    assert sorted(listed.values()) == sorted(chunks.KNOWN)


def test_limits() -> None:
    limits = {row[0]: row[1] for row in rows("12. Limits")}
    assert limits["header"] == f"{header.MAX_HEADER_BYTES} bytes"
    assert limits["width, height"] == "2^30" and header.MAX_SIDE == 2**30
    assert limits["unknown optional chunks"] == str(container._MAX_UNKNOWN_CHUNKS)
    assert chunks.MAX_LENGTH == 2**32 - 1


def test_contents_lists_every_section() -> None:
    headings = re.findall(r"^## (\d+)\. (.+)$", TEXT, re.M)
    assert [int(n) for n, _ in headings] == list(range(1, len(headings) + 1))
    for number, title in headings:
        anchor = f"{number}-{title.lower().replace(' ', '-')}"
        assert f"[{title}](#{anchor})" in TEXT
