"""Files that no decoder may accept, one for each reason: refused/, and refused.json, which says what is wrong.

python tests/conformance/refusals.py        makes those that are missing, and their lines in refused.json

Codes are the kinds of FORMAT.md, section 12, by the numbers that `hpcm` exits with. What the format leaves to a reader
is marked in refused.json by `of`: "metadata" and the index of tiles are looked at by `Container.verify`, "limits" are
this reader's own.
"""

from __future__ import annotations

import ast
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import exact_writer
import msgpack
import numpy as np
from exact_writer import Choices, leb128, plan_alone

from hpcmcodec.codec import Decoder
from hpcmcodec.errors import HpcmError
from hpcmcodec.formats import container
from hpcmcodec.models import store

FOLDER = Path(__file__).parent / "refused"
RECORD = FOLDER / "refused.json"
MODEL = store.shipped_folder() / f"lite-8{store.SUFFIX}"
sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import reference_decoder  # noqa: E402

NOT_HPC, TRUNCATED, DAMAGED, UNSUPPORTED, MISSING_MODEL, LIMIT, ARITHMETIC = 10, 11, 12, 13, 14, 16, 17
LAST = 0x40
ICC, INDEX, LATENT, EXACT, EXIF, XMP, FLAT = 0x01, 0x02, 0x83, 0x84, 0x05, 0x06, 0x87
SIGNATURE = b"\xc8P\r\n"
Fields = dict[int, object]
Chunks = list[tuple[int, bytes]]


class Case(NamedTuple):
    """One file. of: what the format leaves to the reader, or nothing."""

    name: str
    reason: str
    code: int
    data: bytes
    of: str = ""


def packed(fields: Fields) -> bytes:
    found: bytes = msgpack.packb(fields, use_single_float=True)
    return found


def begun(header: bytes, version: int = 1) -> bytes:
    """Signature, header and its checksum."""
    head = bytes([version]) + leb128(len(header)) + header
    return SIGNATURE + head + struct.pack("<I", zlib.crc32(head))


def file(fields: Fields | bytes, chunks: Chunks, *, last: bool = True) -> bytes:
    """A file whose checksums are right, whatever it says. last: whether the last chunk says that it is."""
    data = begun(fields if isinstance(fields, bytes) else packed(fields))
    crc = struct.unpack("<I", data[-4:])[0]
    for i, (kind, payload) in enumerate(chunks):
        chunk = bytes([kind | LAST * (last and i == len(chunks) - 1)]) + leb128(len(payload)) + payload
        crc = zlib.crc32(chunk, crc)
        data += chunk + struct.pack("<I", crc)
    return data


SAMPLES = np.array([[3, 1, 4], [1, 5, 9]], np.uint8)[:, :, None]
GREY: Fields = {0: 3, 1: 2, 5: 1}
COLOURED: Fields = {0: 3, 1: 2}
PLAIN = exact_writer.plain(SAMPLES, 8)


def exact(payload: bytes, what: int = 1, samples: np.ndarray = SAMPLES, number: bytes = b"") -> tuple[int, bytes]:
    """An EXACT chunk."""
    return EXACT, number + struct.pack("<BI", what, zlib.crc32(samples.tobytes())) + payload


WHOLE: Chunks = [exact(PLAIN)]
_PIXEL = reference_decoder.container((FOLDER.parent / "lite-8-pixel.hpc").read_bytes())
PIXEL: Fields = _PIXEL[0]
TILE: tuple[int, bytes] = _PIXEL[1][0]


def signatures() -> Iterator[Case]:
    whole = file(GREY, WHOLE)
    yield Case("signature", "another file", NOT_HPC, b"\x89PNG\r\n\x1a\n" + whole[8:])
    yield Case("empty", "no bytes", NOT_HPC, b"")
    yield Case("signature-cut", "the file ends in its signature", TRUNCATED, whole[:3])
    yield Case("text-seven-bits", "bit 7 of all bytes cleared", DAMAGED, bytes(b & 127 for b in whole))
    yield Case("text-line-feed", "ends of lines changed to line feeds", DAMAGED, whole.replace(b"\r\n", b"\n"))
    yield Case("text-return", "ends of lines changed to returns", DAMAGED, whole.replace(b"\r\n", b"\r"))
    yield Case("text-longer", "line feeds changed to ends of lines", DAMAGED, whole.replace(b"\n", b"\r\n"))
    yield Case("text-utf-8", "written as UTF-8", DAMAGED, whole.decode("latin-1").encode())
    yield Case("text-replaced", "read as UTF-8", DAMAGED, whole.decode("utf-8", "replace").encode())
    for version in (0, 2):
        data = begun(packed(GREY), version) + whole[len(begun(packed(GREY))) :]
        yield Case(f"version-{version}", f"version {version}", UNSUPPORTED, data)


def truncations() -> Iterator[Case]:
    whole = file(GREY, [(XMP, b"\0<x/>")])
    whole = file(GREY, [exact(PLAIN), (XMP, b"\0<x/>")])
    header = len(begun(packed(GREY)))
    end = len(file(GREY, WHOLE))
    yield Case("cut-version", "the file ends after the signature", TRUNCATED, whole[:4])
    yield Case("cut-length", "the file ends before the length of the header", TRUNCATED, whole[:5])
    yield Case("cut-header", "the file ends in the header", TRUNCATED, whole[: header - 6])
    yield Case("cut-header-checksum", "the file ends in the header's checksum", TRUNCATED, whole[: header - 1])
    yield Case("cut-chunks", "the file ends after the header", TRUNCATED, whole[:header])
    yield Case("cut-chunk-length", "the file ends after the type of a chunk", TRUNCATED, whole[: header + 1])
    yield Case("cut-payload", "the file ends in a payload", TRUNCATED, whole[: header + 9])
    yield Case("cut-checksum", "the file ends in the checksum of a chunk", TRUNCATED, whole[: end - 1])
    yield Case("cut-between-chunks", "the file ends after a chunk that is not the last", TRUNCATED, whole[:end])
    yield Case("cut-last-byte", "the last byte is missing", TRUNCATED, whole[:-1])
    yield Case("no-last-chunk", "no chunk says that it is the last", TRUNCATED, file(GREY, WHOLE, last=False))


def lengths() -> Iterator[Case]:
    whole, header = file(GREY, WHOLE), packed(GREY)
    rest = whole[6 + len(header) + 4 :]

    def spelt(length: bytes) -> bytes:
        head = b"\1" + length + header
        return SIGNATURE + head + struct.pack("<I", zlib.crc32(head)) + rest

    yield Case("length-padded", "the length of the header has a needless byte", DAMAGED, spelt(b"\x87\x00"))
    yield Case(
        "length-of-33-bits", "the length of the header is above 2^32 - 1", DAMAGED, spelt(b"\x87\x80\x80\x80\x10")
    )
    yield Case(
        "length-of-six-bytes", "the length of the header has six bytes", DAMAGED, spelt(b"\x87" + b"\x80" * 4 + b"\0")
    )
    yield Case("header-long", "a header of more than 1024 bytes", DAMAGED, begun(header + bytes(1020)) + rest)
    broken = bytearray(whole)
    broken[7] ^= 1
    yield Case("header-checksum", "the header does not fit its checksum", DAMAGED, bytes(broken))


def fields() -> Iterator[Case]:
    """What a field must not be."""
    bare = {0: 3, 1: 2}
    wrong: dict[str, tuple[str, Fields]] = {
        "width-0": ("a width of 0", {0: 0, 1: 2}),
        "width-large": ("a width above 2^30", {0: 2**30 + 1, 1: 1}),
        "height-0": ("a height of 0", {0: 3, 1: 0}),
        "height-large": ("a height above 2^30", {0: 1, 1: 2**30 + 1}),
        "no-height": ("no height", {0: 3, 5: 1}),
        "width-text": ("a width that is no number", {0: "3", 1: 2}),
        "channels-0": ("no channels", {**bare, 5: 0}),
        "channels-5": ("5 channels", {**bare, 5: 5}),
        "channels-default": ("channels written though 3", {**bare, 5: 3}),
        "depth-7": ("7 bits", {**bare, 6: 7}),
        "depth-17": ("17 bits", {**bare, 6: 17}),
        "depth-default": ("depth written though 8", {**bare, 6: 8}),
        "exact-tile-0": ("an exact tile size of 0 written", {**bare, 8: 0}),
        "exact-tile-large": ("an exact tile size above 2^24", {**bare, 8: 2**24 + 1}),
        "flags-0": ("flags written though 0", {**bare, 10: 0}),
        "error-256": ("a greatest error above 255", {**bare, 11: 256}),
        "code-points-2": ("two code points", {**bare, 65: b"\1\1"}),
        "code-points-0": ("a code point of 0", {**bare, 65: b"\1\0\1"}),
        "code-points-range": ("a range flag above 1", {**bare, 65: b"\1\1\2"}),
        "model-id-7": ("a model id of 7 bytes", {**PIXEL, 2: bytes(7)}),
        "model-name-empty": ("a model name of no characters", {**PIXEL, 3: ""}),
        "model-name-long": ("a model name of 49 characters", {**PIXEL, 3: "a" * 49}),
        "model-name-capital": ("a model name with a capital letter", {**PIXEL, 3: "Lite"}),
        "model-name-dot": ("a model name that begins with a dot", {**PIXEL, 3: ".lite"}),
        "model-without-name": ("a model id without a name", {k: v for k, v in PIXEL.items() if k != 3}),
        "model-without-id": ("a model name without an id", {k: v for k, v in PIXEL.items() if k != 2}),
        "quality-0": ("a quality of 0", {**PIXEL, 4: 0}),
        "quality-101": ("a quality of 101", {**PIXEL, 4: 101}),
        "quality-whole": ("a whole quality as binary32", {**PIXEL, 4: 50.0}),
        "quality-nan": ("a quality that is no number", {**PIXEL, 4: float("nan")}),
        "streams-1": ("one stream", {**PIXEL, 7: 1}),
        "streams-9": ("9 streams", {**PIXEL, 7: 9}),
        "streams-default": ("streams written though 4", {**PIXEL, 7: 4}),
        "tile-0": ("a tile size of 0 written", {**PIXEL, 9: 0}),
        "tile-large": ("a tile size above 2^24", {**PIXEL, 9: 2**24 + 1}),
        "quality-of-no-model": ("a quality without a model", {**bare, 4: 50}),
        "streams-of-no-model": ("streams without a model", {**bare, 7: 5}),
        "tiles-of-no-model": ("a tile size without a model", {**bare, 9: 1}),
    }
    for name, (reason, made) in wrong.items():
        ordered = dict(sorted(made.items()))
        yield Case(name, reason, DAMAGED, file(ordered, [TILE] if 3 in made or 2 in made else WHOLE))
    yield Case("flags-1", "a flag", UNSUPPORTED, file({**bare, 10: 1}, WHOLE))
    for key in (12, 63):
        yield Case(f"field-{key}", f"the reserved field {key}", UNSUPPORTED, file({**bare, key: 1}, WHOLE))
    yield Case("field-128", "a key above 127", DAMAGED, file({**bare, 128: 1}, WHOLE))
    most = file({0: 2**30, 1: 2**30, 5: 1, 8: 2**24}, WHOLE)
    yield Case("too-many-pixels", "more pixels than the reader wants", LIMIT, most, "limits")


def canonical() -> Iterator[Case]:
    """What is not the header's one spelling."""
    unknown = b"\x83\x00\x03\x01\x02\x40"

    def nested(levels: int) -> bytes:
        return b"\x91" * levels + b"\x00"

    wrong = {
        "not-a-map": ("a header that is no map", b"\x92\x03\x02"),
        "header-cut": ("a header that ends too early", b"\x83\x00\x03\x01\x02"),
        "header-longer": ("bytes after the header's map", packed(GREY) + b"\0"),
        "keys-fall": ("keys that do not ascend", b"\x83\x00\x03\x05\x01\x01\x02"),
        "key-twice": ("a key twice", b"\x84\x00\x03\x01\x02\x05\x01\x05\x01"),
        "key-text": ("a key that is no number", b"\x83\x00\x03\x01\x02\xa1a\x01"),
        "map-long-form": ("a map in a longer form", b"\xde\x00\x03\x00\x03\x01\x02\x05\x01"),
        "integer-long-form": ("a number in a longer form", b"\x83\x00\xcc\x03\x01\x02\x05\x01"),
        "integer-signed": ("a number as a signed one", b"\x83\x00\xd0\x03\x01\x02\x05\x01"),
        "text-long-form": ("a text in a longer form", unknown + b"\xd9\x01a"),
        "binary64": ("a binary64 number", unknown + b"\xcb" + struct.pack(">d", 0.5)),
        "not-finite": ("an infinite number", unknown + b"\xca\x7f\x80\x00\x00"),
        "integer-below": ("a number below -32", unknown + b"\xd0\xdf"),
        "extension": ("an extension type", unknown + b"\xd4\x05\x00"),
        "not-utf-8": ("a text that is not UTF-8", unknown + b"\xa1\xff"),
        "long-text": ("a text of 256 bytes", unknown + b"\xda\x01\x00" + b"a" * 256),
        "long-bytes": ("a byte string of 256 bytes", unknown + b"\xc5\x01\x00" + b"a" * 256),
        "long-array": ("an array of 65 elements", unknown + b"\xdc\x00\x41" + bytes(65)),
        "deep-array": ("five arrays in one another", unknown + nested(5)),
        "inner-keys-fall": ("keys of an inner map that do not ascend", unknown + b"\x82\x01\x00\x00\x00"),
        "inner-key-negative": ("a negative key of an inner map", unknown + b"\x81\xff\x00"),
    }
    for name, (reason, header) in wrong.items():
        yield Case(name, reason, DAMAGED, file(header, WHOLE))


def chunks() -> Iterator[Case]:
    icc, xmp, later = (ICC, b"\0profile"), (XMP, b"\0<x/>"), (0x3F, b"later")
    whole = file(GREY, [icc, *WHOLE])
    for name, place in (("chunk-checksum-learned", [TILE]), ("chunk-checksum", WHOLE)):
        data = bytearray(file(PIXEL if place == [TILE] else GREY, place))
        data[-5] ^= 1
        yield Case(
            name,
            f"a chunk that does not fit its checksum, {'LATENT' if place == [TILE] else 'EXACT'}",
            DAMAGED,
            bytes(data),
        )
    unknown = bytearray(file(GREY, [later, *WHOLE]))
    unknown[len(begun(packed(GREY))) + 2] ^= 1
    yield Case("chunk-checksum-unknown", "an unknown chunk that does not fit its checksum", DAMAGED, bytes(unknown))
    start, size = len(begun(packed(GREY))), len(icc[1]) + 6
    dropped = whole[:start] + whole[start + size :]
    yield Case("chunk-dropped", "a chunk that was taken out", DAMAGED, dropped)
    yield Case("bytes-after", "bytes after the last chunk", DAMAGED, whole + b"\0")
    yield Case("critical", "an unknown critical chunk", UNSUPPORTED, file(GREY, [*WHOLE, (0xBF, b"later")]))
    yield Case("type-0", "a chunk of number 0", DAMAGED, file(GREY, [(0, b""), *WHOLE]))
    yield Case("type-0-critical", "a critical chunk of number 0", DAMAGED, file(GREY, [(0x80, b""), *WHOLE]))
    yield Case("icc-critical", "ICC with bit 7", DAMAGED, file(GREY, [(ICC | 0x80, icc[1]), *WHOLE]))
    yield Case("exact-optional", "EXACT without bit 7", DAMAGED, file(GREY, [(EXACT & 0x7F, WHOLE[0][1])]))
    yield Case("icc-twice", "ICC twice", DAMAGED, file(GREY, [icc, icc, *WHOLE]))
    yield Case("xmp-before", "XMP before EXACT", DAMAGED, file(GREY, [xmp, *WHOLE]))
    yield Case("unknown-65", "65 unknown chunks", DAMAGED, file(GREY, [*WHOLE, *[(0x3F, b"")] * 65]))
    yield Case("chunk-length-padded", "a length of a chunk with a needless byte", DAMAGED, _padded_chunk())


def _padded_chunk() -> bytes:
    head = begun(packed(GREY))
    payload = WHOLE[0][1]
    chunk = bytes([EXACT | LAST, len(payload) | 128, 0]) + payload
    return head + chunk + struct.pack("<I", zlib.crc32(chunk, struct.unpack("<I", head[-4:])[0]))


def metadata() -> Iterator[Case]:
    """Looked at where somebody wants them."""
    text = b"some text, some text, some text"
    deflated = zlib.compress(text, 9)
    given = zlib.compressobj(9, zdict=b"some text")
    dictionary = given.compress(text) + given.flush()
    wrong = {
        "metadata-method": ("an unknown method of metadata", XMP, b"\2" + text),
        "metadata-empty": ("metadata of no bytes", XMP, b"\0"),
        "metadata-size": ("metadata longer than they say", XMP, b"\1" + leb128(len(text) - 1) + deflated),
        "metadata-short": ("metadata shorter than they say", XMP, b"\1" + leb128(len(text) + 1) + deflated),
        "metadata-rest": ("bytes after metadata", XMP, b"\1" + leb128(len(text)) + deflated + b"\0"),
        "metadata-cut": ("a zlib stream that ends too early", XMP, b"\1" + leb128(len(text)) + deflated[:-1]),
        "metadata-sum": ("a zlib stream with a wrong checksum", XMP, b"\1" + leb128(len(text)) + deflated[:-1] + b"\0"),
        "metadata-dictionary": ("a zlib stream with a dictionary", XMP, b"\1" + leb128(len(text)) + dictionary),
        "exif-no-tiff": ("EXIF that is no TIFF structure", EXIF, b"\0Exif\0\0II*\0"),
        "exif-turned": (
            "EXIF of another orientation",
            EXIF,
            b"\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0",
        ),
    }
    for name, (reason, kind, payload) in wrong.items():
        yield Case(name, reason, DAMAGED, file(GREY, [*WHOLE, (kind, payload)]), "metadata")
    tiled = {**GREY, 8: 1}
    part = exact(PLAIN, number=b"\0")
    size = len(part[1]) + 6
    yield Case("index-untiled", "an index without tiles", DAMAGED, file(GREY, [(INDEX, bytes([size - 1])), *WHOLE]))
    for name, reason, index in (
        ("index-wrong", "an index of other sizes", bytes([size + 1])),
        ("index-short", "an index that ends too early", b""),
        ("index-long", "an index of more tiles", bytes([size, size])),
    ):
        yield Case(name, reason, DAMAGED, file(tiled, [(INDEX, index), part]), "index")


def tiles() -> Iterator[Case]:
    """LATENT chunks."""
    payload, tiled = TILE[1], {**PIXEL, 9: 1}
    check, streams = reference_decoder.streams_of(PIXEL, payload, 0)

    def tile(streams: list[bytes], check: int = check) -> Chunks:
        sizes = b"".join(leb128(len(stream)) for stream in streams[:-1])
        return [(LATENT, struct.pack("<I", check) + sizes + b"".join(streams))]

    def changed(place: int, stream: bytes) -> bytes:
        return file(PIXEL, tile([stream if i == place else old for i, old in enumerate(streams)]))

    yield Case("latent-missing", "no LATENT chunk", DAMAGED, file(PIXEL, [(XMP, b"\0<x/>")]))
    yield Case("latent-twice", "a LATENT chunk too many", DAMAGED, file(PIXEL, [TILE, TILE]))
    yield Case("latent-of-no-model", "a LATENT chunk without a model", DAMAGED, file(GREY, [TILE, *WHOLE]))
    yield Case("latent-number", "another tile's number", DAMAGED, file(tiled, [(LATENT, b"\1" + payload)]))
    yield Case("latent-short", "a tile too short for its head", DAMAGED, file(PIXEL, [(LATENT, payload[:5])]))
    long = payload[:4] + bytes([99]) + payload[5:]
    yield Case("stream-long", "a stream longer than its tile", DAMAGED, file(PIXEL, [(LATENT, long)]))
    yield Case("check-value", "another check value", ARITHMETIC, file(PIXEL, tile(streams, check ^ 1)))
    yield Case("stream-rest", "a byte after a stream's last symbol", DAMAGED, changed(3, streams[3] + b"\0"))
    yield Case("stream-cut", "a stream that ends too early", DAMAGED, changed(3, streams[3][:-1]))
    yield Case("stream-no-state", "a stream too short for its state", DAMAGED, changed(3, streams[3][:3]))
    yield Case("stream-of-none", "bytes of a stream without symbols", DAMAGED, changed(2, bytes(5)))
    yield Case(
        "stream-state",
        "a state below 2^24",
        DAMAGED,
        changed(3, bytes(2) + streams[3][2:3] + bytes(2) + streams[3][5:]),
    )
    yield Case(
        "stream-state-at-end",
        "a state that is not 2^24 at the end",
        DAMAGED,
        changed(0, bytes([streams[0][0] ^ 0x38]) + streams[0][1:]),
    )
    yield Case("escape-33", "an escape of 33 bits", DAMAGED, changed(0, escaped(33)))
    yield Case("escape-wide", "a symbol of more than 32 bits", DAMAGED, changed(0, escaped(32)))


def escaped(bits: int) -> bytes:
    """A stream whose first symbol is an escape, far above its row: 7.2, backwards."""
    program, tensors, _ = reference_decoder.model(MODEL)
    network = reference_decoder.Network(program, tensors, PIXEL[4])  # type: ignore[arg-type]
    row = int((tensors["entropy.z_thresholds"] < network.vectors["z_scale"].ravel()[0]).sum())
    start, length = (int(tensors[f"entropy.{name}"][row]) for name in ("starts", "lengths"))
    low, high = (int(v) for v in tensors["entropy.cdf"][start + length - 2 : start + length])
    x, out = 1 << 24, b""
    raws = [0, *[1] * bits, *([0] if bits <= 32 else []), *[1] * bits]  # above; the count; the number itself
    for bit in reversed(raws):
        if x >= 1 << 39:
            x, out = x >> 16, struct.pack("<H", x & 65535) + out
        x = 2 * x + bit
    if x >= (high - low) << 24:
        x, out = x >> 16, struct.pack("<H", x & 65535) + out
    x = (x // (high - low) << 16) + low + x % (high - low)
    return x.to_bytes(5, "little") + out


def models() -> Iterator[Case]:
    unknown = {**PIXEL, 2: bytes(range(8))}
    yield Case("model-missing", "a model that nobody has", MISSING_MODEL, file({**unknown, 3: "nobody"}, [TILE]))
    yield Case("model-other", "another model of a known name", MISSING_MODEL, file(unknown, [TILE]))
    streams = TILE[1][:4] + b"\0" + TILE[1][4:]
    five = dict(sorted({**PIXEL, 7: 5}.items()))
    yield Case("model-streams", "more streams than the model has", DAMAGED, file(five, [(LATENT, streams)]))
    rate = {k: v for k, v in PIXEL.items() if k != 4}
    yield Case("model-quality", "no quality for a model that has several", DAMAGED, file(rate, [TILE]))


def parts() -> Iterator[Case]:
    """EXACT chunks: which there are."""
    grey, tiled = GREY, {**GREY, 8: 1}
    alpha: Fields = {0: 3, 1: 2, 5: 2}
    both = np.dstack((SAMPLES, SAMPLES))
    plane, side = exact(PLAIN, 2), exact(exact_writer.plain(both, 8), 3, both)
    pixel = np.array([[[9]]], np.uint8)
    with_alpha = dict(sorted({**PIXEL, 5: 4}.items()))
    dot, shown = exact(exact_writer.plain(pixel, 8), 2, pixel), np.array([[[1, 2, 3]]], np.uint8)
    laid = exact(exact_writer.plain(shown, 8), 5, shown)
    two: Fields = {0: 70, 1: 1, 5: 1, 8: 1}
    left, right = np.zeros((1, 64, 1), np.uint8), np.zeros((1, 6, 1), np.uint8)
    first, second = (
        exact(exact_writer.encode(one, 8, Choices(kinds=["range"])), 1, one, bytes([i]))
        for i, one in enumerate((left, right))
    )
    yield Case("exact-short", "an EXACT chunk too short for its head", DAMAGED, file(grey, [(EXACT, b"\1\0\0\0")]))
    yield Case("exact-no-number", "an EXACT chunk without a number", DAMAGED, file(tiled, [(EXACT, b"")]))
    yield Case("exact-number", "a number of no exact tile", DAMAGED, file(tiled, [exact(PLAIN, number=b"\1")]))
    yield Case("exact-order", "exact tiles in another order", DAMAGED, file(two, [second, first]))
    yield Case("exact-twice", "an exact tile twice", DAMAGED, file(grey, [*WHOLE, *WHOLE]))
    yield Case("exact-missing", "an exact tile missing", DAMAGED, file(two, [first]))
    yield Case("exact-none", "no exact tile, and no model", DAMAGED, file(grey, [(XMP, b"\0<x/>")]))
    for what in (0, 4, 6, 7):
        yield Case(f"exact-what-{what}", f"an exact tile of kind {what}", DAMAGED, file(alpha, [exact(PLAIN, what)]))
    yield Case("exact-what-8", "an exact tile of kind 8", UNSUPPORTED, file(alpha, [exact(PLAIN, 8)]))
    yield Case("alpha-of-none", "alpha in a file without", DAMAGED, file(grey, [*WHOLE, plane]))
    yield Case("alpha-beside-none", "colours beside alpha in a file without", DAMAGED, file(grey, [side]))
    yield Case("alpha-missing", "no alpha in a file with", DAMAGED, file(alpha, WHOLE))
    yield Case("alpha-missing-learned", "no alpha in a learned file with", DAMAGED, file(with_alpha, [TILE]))
    yield Case("alpha-before", "alpha before colours", DAMAGED, file(alpha, [plane, *WHOLE]))
    yield Case("alpha-twice", "alpha twice", DAMAGED, file(with_alpha, [TILE, dot, dot]))
    yield Case("alpha-stored-twice", "alpha after colours and alpha", DAMAGED, file(alpha, [side, plane]))
    yield Case("colours-missing", "alpha alone without a learned picture", DAMAGED, file(alpha, [plane]))
    yield Case("on-top-of-none", "an exact tile on top of no learned picture", DAMAGED, file(COLOURED, [laid]))
    yield Case(
        "colours-twice", "colours alone and on top", DAMAGED, file(PIXEL, [TILE, (EXACT, b"\1" + laid[1][1:]), laid])
    )
    other = (EXACT, WHOLE[0][1][:1] + bytes(4) + WHOLE[0][1][5:])
    yield Case("exact-samples", "an exact tile of other samples than its checksum has", DAMAGED, file(grey, [other]))


def payloads() -> Iterator[Case]:
    """EXACT.md: streams."""
    photo = (np.arange(60, dtype=np.uint8) * 37 % 91).reshape(4, 5, 3)
    fields: Fields = {0: 5, 1: 4}
    apart = exact_writer.encode(photo, 8, Choices(apart=True))
    one = exact_writer.encode(photo, 8, Choices())

    def coded(payload: bytes) -> bytes:
        return file(fields, [exact(payload, samples=photo)])

    flat = np.full((4, 5, 3), 7, np.uint8)
    nothing = exact_writer.encode(flat, 8, Choices(kinds=["range"] * 3))
    plain = exact_writer.plain(photo, 8)
    yield Case("payload-empty", "an exact tile without a method", DAMAGED, coded(b""))
    yield Case("method-2", "method 2", UNSUPPORTED, coded(b"\2" + one[1:]))
    yield Case("streams-5", "five exact streams", UNSUPPORTED, coded(b"\x41" + one[1:]))
    yield Case("plain-streams", "two streams of a plain tile", DAMAGED, coded(b"\x10\0" + plain[1:]))
    yield Case("plain-long", "a byte more than a plain tile has", DAMAGED, coded(plain + b"\0"))
    yield Case("plain-short", "a byte less than a plain tile has", DAMAGED, coded(plain[:-1]))
    yield Case(
        "exact-streams-2", "two streams of three channels", DAMAGED, coded(b"\x11" + leb128(len(one) - 1) + one[1:])
    )
    none = file(fields, [exact(b"\x11" + leb128(len(nothing) - 1) + nothing[1:], samples=flat)])
    yield Case("exact-streams-of-none", "two streams where nothing is coded", DAMAGED, none)
    yield Case("exact-lengths-cut", "an exact tile that ends in its lengths", DAMAGED, coded(b"\x21\x85"))
    yield Case("exact-length", "a length beyond the exact tile", DAMAGED, coded(b"\x21\x7f" + apart[2:]))
    padded = bytes([apart[0], apart[1] | 128, 0]) + apart[2:]
    yield Case("exact-length-padded", "a length of a stream with a needless byte", DAMAGED, coded(padded))
    middle = len(one) // 2
    yield Case(
        "exact-stream-long",
        "bytes in a stream that nobody reads",
        DAMAGED,
        coded(one[:middle] + bytes(12) + one[middle:]),
    )
    yield Case("exact-stream-short", "a stream shorter than its raw bits", DAMAGED, coded(b"\1\xf4\x1c"))
    yield Case(
        "exact-stream-overlap", "bytes that are both decisions and raw bits", DAMAGED, coded(one[:9] + one[-20:])
    )


Answer = tuple[str, int, int]


def raw(value: int, bits: int) -> Answer:
    return "raw", value, bits


def number(value: int, kind: int = 0) -> Answer:
    """kind: numbers of one kind are of one number kind."""
    return "number", value, kind


def bit(value: int, kind: int) -> Answer:
    return "bit", value, kind


def plans() -> Iterator[Case]:
    """EXACT.md: the plan."""
    none = [number(0), raw(0, 1), raw(0, 1)]
    with_palette = [number(0), raw(1, 1), raw(0, 1)]
    grey, coloured = np.zeros((2, 3, 1), np.uint8), np.zeros((2, 3, 3), np.uint8)
    kind = [raw(kind, 2) for kind in range(4)]
    whole = [kind[1], raw(7, 8), number(0)]  # a range of one value
    pair = [kind[2], number(2), bit(1, 3), bit(1, 3)]  # a list of two
    stepped = [number(1, 1), number(3, 2), number(256, 3), number(0, 4)]
    cases = {
        "near-256": ("an error of 256", grey, [number(256), raw(0, 1), raw(0, 1), kind[1], raw(0, 8), number(0)]),
        "near-palette": ("a palette within an error", grey, [number(1), *with_palette[1:], number(1, 1), number(0, 2)]),
        "near-list": ("a list within an error", grey, [number(1), *none[1:], *pair]),
        "range-above": ("a range above the depth", grey, [*none, kind[1], raw(250, 8), number(6)]),
        "list-of-1": ("a list of one value", grey, [*none, kind[2], number(1), bit(1, 3)]),
        "list-of-256": ("a list of 256 values", grey, [*none, kind[2], number(256), *[bit(1, 3)] * 256]),
        "list-above": ("a list with a value above the depth", grey, [*none, *pair[:3], bit(0, 3), number(255, 4)]),
        "like-later": ("a channel like a later one", coloured, [*none, *whole, kind[3], raw(2, 2), *whole]),
        "like-itself": ("a channel like itself", coloured, [*none, kind[3], raw(0, 2), *whole, *whole]),
        "palette-of-0": ("a palette of no colours", grey, [*with_palette, number(0, 1)]),
        "palette-of-1025": ("a palette of 1025 colours", coloured, [*with_palette, number(1025, 1)]),
        "palette-falls": ("colours that do not rise", grey, [*with_palette, number(2, 1), number(5, 2), number(0, 2)]),
        "palette-step": ("a first step above the depth", grey, [*with_palette, number(1, 1), number(256, 2)]),
        "palette-step-other": ("a number of no step", coloured, [*with_palette, *stepped]),
    }  # fmt: skip
    for name, (reason, samples, answers) in cases.items():
        fields: Fields = {**GREY} if samples.shape[2] == 1 else {**COLOURED}
        yield Case(name, reason, DAMAGED, file(fields, [exact(plan_alone(answers), samples=samples)]))
    shown = np.zeros((1, 1, 3), np.uint8)
    on_top = {
        "reference-palette": (
            "a palette on top",
            [*with_palette, number(1, 1), number(0, 2), number(0, 3), number(0, 4)],
        ),
        "reference-range": ("a range on top", [*none, *whole * 3]),
        "reference-list": ("a list on top", [*none, *pair]),
        "reference-like": ("a channel like another on top", [*none, kind[0], kind[3], raw(0, 2)]),
    }
    for name, (reason, answers) in on_top.items():
        yield Case(name, reason, DAMAGED, file(PIXEL, [TILE, exact(plan_alone(answers), 5, shown)]))


def flat_blocks() -> Iterator[Case]:
    index = exact_writer.plain(np.array([[[1]]], np.uint8), 8)
    value = b"\1\2\3"
    ten = dict(sorted({**PIXEL, 6: 10}.items()))
    wrong = {
        "flat-empty": ("flat blocks of no bytes", b""),
        "flat-none": ("flat blocks of no values", b"\0" + index),
        "flat-short": ("flat blocks too short for their values", b"\2" + value),
        "flat-no-stream": ("flat blocks without a stream", b"\1" + value),
        "flat-index": ("a flat block of no value", b"\1" + value + exact_writer.plain(np.array([[[2]]], np.uint8), 8)),
        "flat-stream": ("flat blocks with a byte more", b"\1" + value + index + b"\0"),
    }
    for name, (reason, payload) in wrong.items():
        yield Case(name, reason, DAMAGED, file(PIXEL, [TILE, (FLAT, payload)]))
    high = b"\1" + struct.pack("<3H", 1, 1024, 2) + index
    yield Case("flat-value", "a flat value above the depth", DAMAGED, file(ten, [TILE, (FLAT, high)]))
    newer = b"\1" + value + b"\2"
    yield Case("flat-method", "flat blocks by method 2", UNSUPPORTED, file(PIXEL, [TILE, (FLAT, newer)]))
    yield Case(
        "flat-of-no-model", "flat blocks without a model", DAMAGED, file(GREY, [*WHOLE, (FLAT, b"\1\1" + index)])
    )
    yield Case("flat-twice", "flat blocks twice", DAMAGED, file(PIXEL, [TILE, *[(FLAT, b"\1" + value + index)] * 2]))


def cases() -> list[Case]:
    """All files."""
    groups = (
        signatures, truncations, lengths, fields, canonical, chunks, metadata, tiles, models, parts, payloads, plans,
        flat_blocks,
    )  # fmt: skip
    found = [case for group in groups for case in group()]
    assert len({case.name for case in found}) == len(found)
    return found


SECOND = ("reference_decoder", "reference_exact")
UNSEEN = {"tiles that do not suit the model", "a scale", "latents", "the picture", "no model"}
"""What takes another model than the shipped ones, or none."""


def reasons(source: str) -> set[str]:
    """What the second decoder may say, by its source."""
    calls = [
        node
        for node in ast.walk(ast.parse(source.replace("from __future__ import annotations", "")))
        if isinstance(node, ast.Call)
    ]
    named = {"require": 1, "Refused": 1}
    words = [
        node.args[named[ast.unparse(node.func)]]
        for node in calls
        if ast.unparse(node.func) in named and len(node.args) > 1
    ]
    return {word.value for word in words if isinstance(word, ast.Constant)}


def refusal(data: bytes, decoder: Decoder, *, verify: bool = False) -> HpcmError | None:
    """What the product says of a file."""
    try:
        if verify:
            container.read(data).verify()
        else:
            decoder.decode(data)
    except HpcmError as error:
        return error
    return None


_in_full = reference_decoder.learned
_shown: dict[str, np.ndarray] = {}


def _learned(fields: Fields, payloads: list[bytes], path: Path, channels: int) -> np.ndarray:
    """A picture's learned part, once."""
    key = repr((fields, payloads))
    if key not in _shown:
        _shown[key] = _in_full(fields, payloads, path, channels)
    return _shown[key]


def second_refusal(data: bytes) -> reference_decoder.Refused | None:
    """What the second decoder says, which has one model."""
    try:
        fields, _ = reference_decoder.container(data)
        reference_decoder.learned = _learned  # which takes it long
        reference_decoder.decode(data, MODEL if 2 in fields else None)
    except reference_decoder.Refused as error:
        return error
    return None


def main() -> None:
    decoder, record = Decoder(), {}
    before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    FOLDER.mkdir(exist_ok=True)
    for case in cases():
        path = FOLDER / f"{case.name}.hpc"
        if path.exists():
            record[path.name] = before[path.name]
            continue
        path.write_bytes(case.data)
        data = path.read_bytes()
        error = refusal(data, decoder, verify=case.of == "metadata")
        second = None if case.of else second_refusal(data)
        record[path.name] = {
            "reason": case.reason,
            "of": case.of,
            "code": case.code,
            "message": str(error)[:60],
            "second": str(second or ""),
        }
        if (
            error is None
            or error.exit_code != case.code
            or (not case.of and (second is None or second.kind != case.code))
        ):
            print(f"{path.name} is not refused as it should be: {record[path.name]}, {error!r}, {second!r}")
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
