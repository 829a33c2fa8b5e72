"""Rules of the format that hold for writers and readers alike."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from hpcmcodec.errors import CorruptError, UsageError
from hpcmcodec.formats import container, exif
from hpcmcodec.formats import header as headers
from hpcmcodec.formats.chunks import EXIF, LATENT, Chunk, assemble, leb128
from hpcmcodec.formats.header import Header
from hpcmcodec.kernels.decode import exif_problem

HEADER = Header(16, 16, "tiny", bytes(8), quality=50)


def forged(*chunks: Chunk) -> bytes:
    """A file with valid checksums."""
    packed = headers.pack(HEADER)
    head = bytes([1]) + leb128(len(packed)) + packed
    crc = zlib.crc32(head)
    return container.SIGNATURE + head + struct.pack("<I", crc) + assemble(chunks, crc)


@pytest.mark.parametrize(
    "raw", [b"\xc7\x00\x05", b"\xc7\x00\xff", b"\x82\x02\x00\x01\x00", b"\x91\x82\x02\x00\x01\x00"]
)
def test_unknown_fields_are_held_to_the_format_as_well(raw: bytes) -> None:
    base = headers.pack(HEADER)
    with pytest.raises(CorruptError):
        headers.unpack(bytes([base[0] + 1]) + base[1:] + b"\x40" + raw)
    with pytest.raises(UsageError):
        Header(16, 16, "tiny", bytes(8), unknown={64: {2: 0, 1: 0}})


def block(kind: int, count: int, value: int, order: str = "<") -> bytes:
    number = struct.pack(order + "I", value) if kind == 4 else struct.pack(order + "HH", value, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, count) + number + bytes(4)


@pytest.mark.parametrize("turned", [block(3, 1, 6), block(3, 2, 6), block(4, 1, 8), block(3, 1, 6, ">"), b"nonsense"])
def test_exif_is_upright_in_both_directions(turned: bytes) -> None:
    tile = container.Tile((b"", b"", b"", b""), 0)
    with pytest.raises(UsageError, match="EXIF"):
        container.write(HEADER, [tile], exif=turned)
    file = container.read(forged(Chunk(LATENT, bytes(7)), Chunk(EXIF, b"\0" + turned)))
    with pytest.raises(CorruptError, match="EXIF"):
        file.verify()
    if turned != b"nonsense":
        assert exif_problem(exif.upright(turned)) is None and exif.tags(turned) == [0x0112]
        assert container.read(container.write(HEADER, [tile], exif=exif.upright(turned))).exif == exif.upright(turned)


def test_the_core_and_the_writer_see_the_same_orientations() -> None:
    """The check is the core's, turning a block upright is Python's: whatever the bytes, what comes out passes."""
    rng = np.random.default_rng(5)
    problems = 0
    for _ in range(3000):
        count = int(rng.integers(0, 6))
        order = "<" if rng.random() < 0.5 else ">"
        mark = b"II*\0" if order == "<" else b"MM\0*"
        entries = b"".join(
            struct.pack(
                order + "HHIHH",
                rng.choice([0x0112, 0x0110]),
                rng.integers(1, 6),
                rng.integers(0, 4),
                *rng.integers(0, 3, 2),
            )
            for _ in range(count)
        )
        whole = mark + struct.pack(order + "IH", 8, count + rng.integers(0, 2)) + entries
        block = whole[: len(whole) - int(rng.integers(0, 16))]
        if block[:4] == mark:
            problems += exif_problem(block) is not None
            assert exif_problem(exif.upright(block)) is None
            assert (exif_problem(block) is None) == (exif.upright(block) == block)
    assert problems > 200


def test_blocks_that_break_off_are_left_alone() -> None:
    for part in (b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff"):
        assert exif.upright(part) == part and exif_problem(part) is None
