"""FORMAT.md says what the code does: its tables and its worked examples are read and compared."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.formats import alpha, chunks, container, header
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
        Header(3, 2, "lite", bytes.fromhex("0123456789abcdef"), quality=50, channels=1),
        [Tile((b"\x11\x22\x33", b"", b"\x44", b"\x55\x66"), 0x01020304)],
        alpha=alpha.encode(np.full((2, 3), 128, np.uint8)),
    )
    assert made == dump("13.1 A file") and f"{len(made)} bytes" in section("13.1 A file")
    file = container.read(made)
    file.verify()
    explained = "".join(row[0] for row in rows("13.1 A file"))
    assert bytes.fromhex(explained.replace(",", "")) == made


def test_example_stream() -> None:
    kernels = pytest.importorskip("hpcmcodec.kernels")
    tables = kernels.TableSet(*(np.array(v, np.int32) for v in ([0, 9000, 56000, 65000, 65536], [0], [5], [-1])))
    symbols = np.array([0, 0, -1, 7, 1], np.int32)
    assert kernels.rans_encode(symbols, np.zeros(5, np.uint16), tables) == dump("13.2 A stream")


def decode_stream(data: bytes, cdf: list[int], offset: int, count: int) -> list[int]:
    """Section 7.2 word by word, for streams of one row."""
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

    for t in range(count):
        lane = 0 if t < 4096 else t % 4
        if t in (0, 4097, 4098, 4099):
            lanes[lane] = take(5)
            assert lanes[lane] >= 1 << 24
        slot = lanes[lane] % 65536
        i = max(k for k in range(len(cdf) - 1) if cdf[k] <= slot)
        lanes[lane] = refill((cdf[i + 1] - cdf[i]) * (lanes[lane] // 65536) + slot - cdf[i])
        if i < len(cdf) - 2:
            symbols.append(offset + i)
            continue
        below, bits = raw(lane, 1), 0
        while raw(lane, 1):
            bits += 1
        v, left = 1, bits
        while left:
            v = v << min(left, 16) | raw(lane, min(left, 16))
            left -= min(left, 16)
        symbols.append(offset - v if below else offset + len(cdf) - 3 + v)
    assert position == len(data) and lanes == [1 << 24] * 4
    return symbols


def test_streams_are_as_the_text_says() -> None:
    kernels = pytest.importorskip("hpcmcodec.kernels")
    cdf = [0, 9000, 56000, 65000, 65536]
    tables = kernels.TableSet(*(np.array(v, np.int32) for v in (cdf, [0], [5], [-1])))
    rng = np.random.default_rng(2)
    for count in (1, 3, 4096, 4097, 4099, 4103, 9000):
        symbols = np.rint(rng.standard_cauchy(count)).clip(-(2.0**31), 2.0**31 - 1).astype(np.int32)
        symbols[: min(count, 2)] = [-(2**31), 2**31 - 1][:count]
        data = kernels.rans_encode(symbols, np.zeros(count, np.uint16), tables)
        assert decode_stream(data, cdf, -1, count) == symbols.tolist()


def test_chunk_types() -> None:
    listed = {row[1]: int(row[0], 16) for row in rows("4.1 Types")}
    assert listed == {name: getattr(chunks, name) for name in ("ICC", "TILE_INDEX", "LATENT", "ALPHA", "EXIF", "XMP")}
    assert sorted(listed.values()) == sorted(chunks.KNOWN)


def test_settings_and_families() -> None:
    assert {row[1]: int(row[0]) for row in rows("3.2 Variant settings")} == {
        k: v[0] for k, v in header.SETTINGS.items()
    }
    (families,) = (row[2] for row in rows("3.1 Fields") if row[1] == "family")
    assert re.findall(r"\d (\w+)", families) == list(header.FAMILIES)


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
