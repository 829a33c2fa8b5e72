"""Container: layout, size, order, and that nothing but a typed error ever comes out of damaged bytes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmcodec.errors import (
    CorruptError,
    HpcmError,
    LimitExceededError,
    NotHpcError,
    TruncatedError,
    UnsupportedVersionError,
    UsageError,
)
from hpcmcodec.formats import container
from hpcmcodec.formats.chunks import Chunk, assemble, leb128, read_leb128
from hpcmcodec.formats.container import Container, Header, Limits, Tile, read, write
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP, ExactPart
from hpcmcodec.formats.exact import pack as pack_part
from hpcmcodec.kernels.decode import File

PHOTO = Header(width=3968, height=2976, model_name="lite", model_id=bytes(range(8)), quality=63)
STREAMS = (b"hyper" * 40, b"one" * 60, b"two" * 900, b"three" * 4000)
TILED = replace(PHOTO, width=300, height=130, tile_size=128, streams=3, alpha=True, exact_tile_size=256)
PARTS = (ExactPart(0, ALPHA, 5, b"alpha"), ExactPart(1, COLOURS | ON_TOP, 6, b"rest"), ExactPart(1, ALPHA, 7, b""))
EXACT = Header(width=30, height=13, alpha=True, bit_depth=12, most_error=0, cicp=(9, 16, 1))


def plain() -> bytes:
    return write(PHOTO, [Tile(STREAMS, 0xDEADBEEF)])


def tiled() -> bytes:
    tiles = [Tile((b"z" * i, b"l" * 2 * i, b"h" * 300 * i), i) for i in range(TILED.tiles)]
    return write(TILED, tiles, icc=b"profile" * 500, exact=PARTS, exif=b"II*\0", xmp=b"<x:xmpmeta/>" * 9)


def exact() -> bytes:
    return write(EXACT, (), exact=[ExactPart(0, COLOURS | ALPHA, 9, b"stream")], xmp=b"<x/>")


def touch(file: Container) -> None:
    """Uses everything that a file holds."""
    for index in range(file.header.tiles if not file.truncated else file.tiles_present):
        file.tile(index)
    assert [file.icc, file.exif, file.xmp, file.exact, file.overhead]
    file.verify()


def test_plain_photo_costs_at_most_64_bytes() -> None:
    data = plain()
    file = read(data)
    assert file.overhead == len(data) - sum(map(len, STREAMS)) <= 64
    assert file.header == PHOTO
    assert file.tile(0).check == 0xDEADBEEF
    assert tuple(bytes(s) for s in file.tile(0).streams) == STREAMS
    longest = replace(PHOTO, width=65535, height=65535, model_name="lite-new")
    big = write(longest, [Tile((bytes(20000), bytes(20000), bytes(200000), bytes(2000000)), 1)])
    assert read(big, Limits(max_pixels=2**32)).overhead <= 64


def test_everything_survives() -> None:
    file = read(tiled())
    assert file.header == TILED and file.tiles_present == 6
    assert [file.tile(i).check for i in range(6)] == list(range(6))
    assert bytes(file.tile(5).streams[2]) == b"h" * 1500
    assert (file.icc, file.exif, file.xmp) == (b"profile" * 500, b"II*\0", b"<x:xmpmeta/>" * 9)
    assert tuple(replace(part, stream=bytes(part.stream)) for part in file.exact) == PARTS
    file.verify()


def test_a_file_without_a_model() -> None:
    file = read(exact())
    file.verify()
    assert file.header == EXACT and not file.header.learned and not file.tiles_present
    assert file.exact[0].what == COLOURS | ALPHA and bytes(file.exact[0].stream) == b"stream"
    assert file.overhead <= 46 + 6  # code points


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [ExactPart(0, COLOURS, 0, b"")],  # no alpha
        [ExactPart(0, ALPHA, 0, b"")],  # no colours
        [ExactPart(0, COLOURS | ALPHA, 0, b""), ExactPart(0, ALPHA, 0, b"")],
        [ExactPart(0, ALPHA, 0, b""), ExactPart(0, COLOURS, 0, b"")],
        [ExactPart(0, COLOURS | ON_TOP, 0, b""), ExactPart(0, ALPHA, 0, b"")],  # on nothing
        [ExactPart(0, COLOURS | ALPHA | ON_TOP, 0, b"")],
        [ExactPart(0, 0, 0, b""), ExactPart(0, COLOURS | ALPHA, 0, b"")],
    ],
)
def test_exact_tiles_that_cannot_be(parts: list[ExactPart]) -> None:
    chunks = [Chunk(0x84, pack_part(EXACT, part)) for part in parts]
    for data in (rebuilt(container._header.pack(EXACT), [*chunks, Chunk(0x06, b"\0b")]),):
        with pytest.raises(CorruptError):
            read(data).verify()


def test_exact_tiles_of_a_newer_kind() -> None:
    with pytest.raises(UnsupportedVersionError):
        read(rebuilt(container._header.pack(EXACT), [Chunk(0x84, b"\x09" + bytes(9))]))
    tile = Chunk(0x84, pack_part(EXACT, ExactPart(0, COLOURS | ALPHA, 0, b"")))
    for payload in (b"", b"\3\0\0\0"):
        with pytest.raises(CorruptError):
            read(rebuilt(container._header.pack(EXACT), [tile, Chunk(0x84, payload)]))


@pytest.mark.parametrize("quality", [None, 1, 100, 37.25, 64.0])
def test_quality_values(quality: float | None) -> None:
    header = replace(PHOTO, quality=quality)
    assert read(write(header, [Tile(STREAMS, 1)])).header.quality == quality


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": 2**31},
        {"channels": 4},
        {"bit_depth": 17},
        {"bit_depth": 7},
        {"exact_tile_size": 65},
        {"most_error": 256},
        {"cicp": (9, 16)},
        {"cicp": (0, 16, 1)},
        {"cicp": (9, 256, 1)},
        {"cicp": (9, 16, 2)},
        {"unknown": {65: b"abc"}},
        {"model_name": ""},
        {"alpha": 1},
        {"model_name": "Lite/../x"},
        {"model_id": b"short"},
        {"streams": 1},
        {"quality": 0},
        {"quality": float("nan")},
        {"tile_size": 100},
        {"flags": 1},
    ],
)
def test_bad_headers_cannot_be_made(change: dict) -> None:
    with pytest.raises(UsageError):
        replace(PHOTO, **change)


def rebuilt(header: bytes, chunks: list[Chunk] | None = None) -> bytes:
    """A file with valid checksums around any header and chunks."""
    head = bytes([1]) + leb128(len(header)) + header
    crc = zlib.crc32(head)
    chunks = chunks if chunks is not None else [Chunk(0x83, bytes(4) + bytes(3) + b"x")]
    return container.SIGNATURE + head + struct.pack("<I", crc) + assemble(chunks, crc)


def header_bytes(**extra: object) -> dict:
    return {0: 10, 1: 20, 2: bytes(8), 3: "lite", 4: 50, **{int(k[1:]): v for k, v in extra.items()}}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (header_bytes(), None),
        (header_bytes(k5=1), None),
        (header_bytes(k70="kept"), None),
        (header_bytes(k5=3), CorruptError),  # the default, written out
        (header_bytes(k8={}), CorruptError),
        (header_bytes(k8=2), None),
        (header_bytes(k8=0), CorruptError),
        (header_bytes(k4=50.0), CorruptError),
        (header_bytes(k6=10), None),
        (header_bytes(k6=8), CorruptError),
        (header_bytes(k6=17), CorruptError),
        (header_bytes(k7=3), None),
        (header_bytes(k7=4), CorruptError),  # the default, written out
        (header_bytes(k7=9), CorruptError),
        (header_bytes(k7=-1), CorruptError),
        (header_bytes(k10=4), UnsupportedVersionError),
        (header_bytes(k11=0), None),
        (header_bytes(k11=256), CorruptError),
        (header_bytes(k12=0), UnsupportedVersionError),
        (header_bytes(k5=5), CorruptError),
        ({0: 10, 1: 20, 2: bytes(8)}, CorruptError),
        ({0: 10, 1: 20, 9: 2}, CorruptError),
        (header_bytes(k9="big"), CorruptError),
        ({0: 10, 1: 20}, CorruptError),
        ({1: 20, 0: 10, 2: bytes(8), 3: "lite"}, CorruptError),
        ([1, 2], CorruptError),
        ({0: True, 1: 20, 2: bytes(8), 3: "lite"}, CorruptError),
    ],
)
def test_header_rules(fields: object, error: type[HpcmError] | None) -> None:
    data = rebuilt(msgpack.packb(fields, use_single_float=True))
    if error is None:
        read(data).verify()
    else:
        with pytest.raises(error):
            read(data)


def test_signature_names_the_damage() -> None:
    data = plain()
    with pytest.raises(NotHpcError):
        read(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(NotHpcError):
        read(b"")
    with pytest.raises(TruncatedError):
        read(data[:3])
    for damaged in (
        data.replace(b"\r\n", b"\n"),
        data.replace(b"\n", b"\r\n"),
        bytes(b & 0x7F for b in data),
        data.decode("latin-1").encode(),
        data.decode("utf-8", errors="replace").encode(),
    ):
        with pytest.raises(CorruptError, match="text mode"):
            read(damaged)
    with pytest.raises(UnsupportedVersionError):
        read(data[:4] + b"\x02" + data[5:])


def test_every_cut_is_noticed_and_gives_what_is_there() -> None:
    data = write(PHOTO, [Tile((b"a" * 20, b"b" * 30, b"c" * 40, b"d" * 50), 7)], exif=b"II*\0")
    exif_chunk = 1 + 1 + 1 + 4 + 4
    for end in range(len(data)):
        with pytest.raises((TruncatedError, NotHpcError)):
            read(data[:end])
    whole = [read(data[:end], allow_truncated=True) for end in range(40, len(data))]
    assert all(file.truncated and file.overhead <= file.size for file in whole)
    counts = [len(file.tile(0).streams) for file in whole if file.tiles_present]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 4
    cut = read(data[:-exif_chunk], allow_truncated=True)
    assert cut.tile(0).complete and cut.exif is None
    with pytest.raises(TruncatedError):
        cut.verify()


def test_every_flipped_bit_is_found() -> None:
    for data in (write(PHOTO, [Tile((b"a", b"b", b"c", b"d" * 9), 7)], exif=b"II*\0"), tiled(), exact()):
        for position in range(0, len(data), 1 if len(data) < 200 else 13):
            for bit in range(8):
                damaged = bytearray(data)
                damaged[position] ^= 1 << bit
                with pytest.raises(HpcmError):
                    read(damaged).verify()


def test_chunks_of_another_file_are_refused() -> None:
    one = write(PHOTO, [Tile(STREAMS, 1)], exif=b"II*\0one")
    two = write(replace(PHOTO, quality=64), [Tile(STREAMS, 1)], exif=b"II*\0two")
    with pytest.raises(CorruptError):
        read(one[:-12] + two[-12:]).verify()


def test_order_repetition_and_unknown_types() -> None:
    header = container._header.pack(PHOTO)
    tile = Chunk(0x83, bytes(4) + bytes(3) + b"x")
    exif, xmp = Chunk(0x05, b"\0II*\0"), Chunk(0x06, b"\0b")
    read(rebuilt(header, [tile, exif, xmp])).verify()
    for bad in ([exif, tile], [tile, xmp, exif], [tile, exif, exif], [tile, tile], [exif], [tile, Chunk(0x03, b"")]):
        with pytest.raises(CorruptError):
            read(rebuilt(header, bad))
    with pytest.raises(CorruptError):
        read(rebuilt(header, [Chunk(0x02, b"\x0c"), tile]))
    unknown = Chunk(0x2A, b"new")
    file = read(rebuilt(header, [unknown, tile, unknown]))
    assert [bytes(c.payload) for c in file.extra] == [b"new", b"new"]
    again = write(file.header, [file.tile(0)], extra=file.extra)
    assert len(read(again).extra) == 2
    with pytest.raises(UnsupportedVersionError):
        read(rebuilt(header, [Chunk(0xAA, b"new"), tile]))
    for reader in (read, lambda data: File(data, 2**28, 10**6)):
        reader(rebuilt(header, [unknown] * 64 + [tile, exif, xmp]))
        with pytest.raises(CorruptError, match="more than 64"):
            reader(rebuilt(header, [unknown] * 65 + [tile]))
    with pytest.raises(CorruptError, match="follow"):
        read(plain() + b"\0")


def test_limits() -> None:
    with pytest.raises(LimitExceededError):
        read(plain(), Limits(max_pixels=10**6))
    bomb = write(PHOTO, [Tile(STREAMS, 1)], xmp=bytes(2**25))
    assert len(bomb) < 10**5
    with pytest.raises(LimitExceededError):
        _ = read(bomb).xmp


@given(st.integers(0, 2**32 - 1))
def test_leb128(value: int) -> None:
    data = leb128(value)
    assert read_leb128(memoryview(data + b"\0"), 0) == (value, len(data))


@pytest.mark.parametrize("bad", [b"\x80\x00", b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x80\x01"])
def test_leb128_refuses_other_spellings(bad: bytes) -> None:
    with pytest.raises(CorruptError):
        read_leb128(memoryview(bad), 0)


SEEDS = (plain()[:400], write(PHOTO, [Tile((b"a", b"b", b"c", b"d"), 7)]), tiled(), exact())
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "insert", "splice", "repeat"]), st.floats(0, 1), st.binary(max_size=9)),
    min_size=1,
    max_size=6,
)


def mutate(data: bytes, operations: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, material in operations:
        at = int(where * len(data))
        if kind == "set":
            data = data[:at] + material + data[at + len(material) :]
        elif kind == "cut":
            data = data[:at] + data[at + 5 :]
        elif kind == "insert":
            data = data[:at] + material + data[at:]
        elif kind == "splice":
            data = data[:at] + SEEDS[len(material) % len(SEEDS)][at:]
        else:
            data = data[:at] + data[max(0, at - 40) :]
    return data


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), OPERATIONS, st.booleans())
def test_mutations_only_raise_typed_errors(seed: bytes, operations: list, truncated: bool) -> None:
    data = mutate(seed, operations)
    try:
        touch(read(data, allow_truncated=truncated))
    except HpcmError:
        return
    assert data in SEEDS  # nothing else may pass


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=80), st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=30)), max_size=5))
def test_anything_with_valid_checksums_only_raises_typed_errors(header: bytes, parts: list) -> None:
    chunks = [Chunk(kind & ~0x40, payload) for kind, payload in parts]
    for head in (header, container._header.pack(PHOTO), container._header.pack(TILED), container._header.pack(EXACT)):
        try:
            touch(read(rebuilt(head, chunks)))
        except HpcmError:
            continue


def test_latent_check_is_crc_of_little_endian_bytes() -> None:
    latents = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    assert container.latent_check(latents) == zlib.crc32(struct.pack("<12f", *range(12)))
    assert container.latent_check(latents.transpose(1, 0, 2)) != container.latent_check(latents)
