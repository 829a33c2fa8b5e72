"""Files of choices that are a writer's: what the other files do not happen to show."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import exact_writer
import numpy as np
from exact_writer import Choices, leb128
from formula_pictures import formula_graphic, formula_picture

from hpcmcodec.codec import Encoder, exact
from hpcmcodec.codec.encoder import Options, encode_exactly
from hpcmcodec.codec.refine import LEVELS
from hpcmcodec.formats import container, flats
from hpcmcodec.formats.chunks import TILE_INDEX, Chunk, assemble
from hpcmcodec.formats.container import Container
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP, ExactPart, check_value
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.header import pack as pack_header
from hpcmcodec.formats.limits import SIGNATURE
from hpcmcodec.formats.pictures import Picture

PLAIN = Options(None, LEVELS[0])


def choice_files() -> dict[str, bytes]:
    """All of them, by name; those of more than 8 bits in a folder of their own."""
    return {**encoded(), **chosen(), **container_files(), **learned_files()}


def deep(pixels: np.ndarray, depth: int) -> np.ndarray:
    """Samples of 8 bits as such of more, with low bits that matter."""
    return (pixels.astype(np.uint16) << (depth - 8)) + pixels[::-1] // (1 << (16 - depth))


def one_tile(samples: np.ndarray, payload: bytes, depth: int = 8, near: int = 0) -> bytes:
    """A file of one exact tile of colours, and of alpha if the samples have it."""
    height, width, channels = samples.shape
    alpha = channels % 2 == 0
    header = Header(width, height, channels=channels - alpha, alpha=alpha, bit_depth=depth, most_error=near)
    check = check_value(exact_writer.decode(payload, samples, depth))
    return container.write(header, (), exact=[ExactPart(0, COLOURS | (ALPHA if alpha else 0), check, payload)])


def written(samples: np.ndarray, choices: Choices, depth: int = 8) -> bytes:
    """A file of one exact tile, coded as chosen."""
    return one_tile(samples, exact_writer.encode(samples, depth, choices), depth, choices.near)


def encoded() -> dict[str, bytes]:
    """What the product's encoder chooses for some pictures."""
    grey, alpha = formula_picture(48, 60, 1), formula_picture(60, 48, 1)[:, :, 0].T.copy()
    same = formula_picture(20, 30, 1).repeat(3, 2)
    graphic = formula_graphic(40, 50, 3)
    photo = formula_picture(22, 28, 4)
    return {
        "parts/exact-grey-alpha": encode_exactly(Picture(grey, alpha)),
        "parts/exact-near-grey-alpha": encode_exactly(Picture(grey[:24, :30].copy(), alpha[:24, :30].copy()), 5),
        "parts/exact-near-copies": encode_exactly(Picture(graphic), 3),
        "parts/exact-alike": encode_exactly(Picture(same)),
        "parts/exact-one-value": encode_exactly(Picture(np.full((9, 14, 3), 77, np.uint8), np.full((9, 14), 9, "u1"))),
        "parts/exact-tile-beyond": encode_exactly(Picture(formula_graphic(40, 50, 1)), tile_size=128),
        "deep/exact-alpha-16": encode_exactly(Picture(deep(photo, 16)[:, :, :3], deep(photo, 16)[:, :, 3], depth=16)),
        "deep/exact-near-14": encode_exactly(Picture(deep(photo, 14)[:, :, :3].copy(), depth=14), 40),
        "deep/exact-palette-9": encode_exactly(Picture(deep(graphic, 9), depth=9)),
    }


def chosen() -> dict[str, bytes]:
    """What it does not choose."""
    photo, graphic = formula_picture(20, 26, 4), formula_graphic(36, 44, 4)
    colours, few = np.ascontiguousarray(photo[:, :, :3]), formula_picture(20, 26, 3) // 40 * 40 + 7
    y, x = np.mgrid[:32, :32].astype(np.uint8)
    page = np.ascontiguousarray(graphic[:, :, :3])
    one = np.full((6, 7, 3), (3, 200, 9), np.uint8)
    return {
        **{f"parts/exact-bases-{bases}": written(colours, Choices(bases=bases)) for bases in range(4)},
        "parts/exact-range": written(colours // 2 + 9, Choices(kinds=["range"] * 3, bases=1)),
        "parts/exact-list": written(few, Choices(kinds=["list"] * 3, bases=3)),
        "parts/exact-list-copies": written(page, Choices(kinds=["list"] * 3, copies=True)),
        "parts/exact-all-kinds": written(
            np.dstack((few[:, :, 0], colours[:, :, 1], few[:, :, 0], colours[:, :, 2] // 3)),
            Choices(kinds=["all", "list", 1, "range"]),
        ),
        "parts/exact-palette-one": written(one, Choices(palette=True)),
        "parts/exact-palette-grey": written(graphic[:, :, :1].copy(), Choices(palette=True, copies=True)),
        "parts/exact-palette-alpha": written(graphic, Choices(palette=True, copies=True)),
        "parts/exact-palette-1024": written(np.stack((8 * x, 8 * y, (x * 7) ^ y), 2), Choices(palette=True)),
        "parts/exact-far": written(np.where(colours > 99, np.uint8(255), np.uint8(0)), Choices(far=True)),
        "parts/exact-near-range": written(colours // 2 + 9, Choices(near=4, kinds=["range"] * 3)),
        "parts/exact-streams-copies": written(graphic, Choices(copies=True, apart=True, bases=2)),
        "parts/exact-ranges-of-one": written(one, Choices(kinds=["range"] * 3)),
        "parts/exact-palette-grey-alpha": written(graphic[:, :, 1:3].copy(), Choices(palette=True)),
        "parts/exact-streams-2": written(photo[:, :, 2:].copy(), Choices(apart=True)),
        "parts/exact-streams-4": written(photo, Choices(apart=True, bases=1)),
        "parts/exact-copies-2": written(graphic[:, :, :2].copy(), Choices(copies=True)),
        "parts/exact-plain-alpha": one_tile(photo[:8, :9].copy(), exact_writer.plain(photo[:8, :9], 8)),
        "deep/exact-near-copies-16": written(
            np.ascontiguousarray(deep(graphic, 16)[:, :, :3]), Choices(near=200, copies=True, bases=1), 16
        ),
        "deep/exact-near-255": written(np.ascontiguousarray(deep(colours, 12)), Choices(near=255), 12),
        "deep/exact-bases-15": written(np.ascontiguousarray(deep(colours, 15)), Choices(bases=3, copies=True), 15),
        "deep/exact-list-13": written(deep(page, 13), Choices(kinds=["list", "all", "range"], copies=True), 13),
        "deep/exact-plain-11": one_tile(deep(photo[:8, :9], 11), exact_writer.plain(deep(photo[:8, :9], 11), 11), 11),
    }


def rewritten(file: Container, chunks: list[Chunk]) -> bytes:
    """The file with other chunks."""
    packed = pack_header(file.header)
    head = bytes([1, *leb128(len(packed))]) + packed
    crc = zlib.crc32(head)
    return SIGNATURE + head + struct.pack("<I", crc) + assemble(chunks, crc)


def container_files() -> dict[str, bytes]:
    """Metadata of every kind and in other places, no index."""
    grey = Picture(formula_graphic(40, 70, 1))
    tiled = container.read(encode_exactly(grey, tile_size=64))
    chunks = [*tiled.others, *tiled.exact_chunks]
    small = formula_picture(9, 10, 3)
    told = Picture(small, icc=bytes(range(40)), exif=b"MM\0*" + bytes(9), xmp=b"<x/>", cicp=(1, 13, 0))
    whole = container.read(encode_exactly(told))
    unknown = [Chunk(0x3F, b"between chunks"), Chunk(0x08, b"")]
    between = [unknown[0], whole.others[0], unknown[1], *whole.exact_chunks, unknown[0], *whole.others[1:]]
    later = {64: {0: [None, True, -3, 1.5], 7: b"later"}, 127: "\u00fc"}
    more = replace(tiled.header, unknown=later, exact_tile_size=64)
    return {
        "parts/no-index": rewritten(tiled, [chunk for chunk in chunks if chunk.kind != TILE_INDEX]),
        "parts/stored-metadata": rewritten(whole, between),
        "parts/later-fields": container.write(more, (), exact=tiled.exact),
    }


def learned_files() -> dict[str, bytes]:
    """Learned pictures of other samples, and with exact tiles of every sort."""
    encoder = Encoder("lite-8")
    soft = formula_picture(24, 40, 4) // 4 * 3 + np.arange(40, dtype=np.uint8)[:, None]
    alpha, colours, grey = soft[:, :, 3].copy(), np.ascontiguousarray(soft[:, :, :3]), soft[:, :, :1].copy()
    ten, sixteen, wide_alpha = deep(colours, 10), deep(colours, 16), deep(alpha, 16)
    flat = deep(formula_picture(2, 3, 3).repeat(16, 0).repeat(16, 1), 12)
    flat[:16, :16] = ten[:16, :16]
    flat_index = np.array([[[0], [1], [2]], [[2], [2], [1]]], np.uint8)
    values = flat[[16, 0], [0, 16]]
    flat_blocks = flats.pack(values, exact_writer.encode(flat_index, 8, Choices()))
    deep_flat = Picture(flat, depth=12)
    return {
        "deep/lite-8-10": encoder.encode(Picture(ten, depth=10), 60, exact_tiles=False),
        "deep/lite-8-16": encoder.encode(Picture(sixteen, depth=16), 80, exact_tiles=False),
        "deep/lite-8-grey-alpha-16": encoder.encode(
            Picture(sixteen[:, :, :1].copy(), wide_alpha, depth=16), 30, exact_tiles=False
        ),
        "deep/on-top-10": on_top(encoder, Picture(ten, deep(alpha, 10), depth=10), 70, 0),
        "deep/flats-12": encoder.file(*encoder.learned(deep_flat, 50, PLAIN), (), deep_flat, flat_blocks),
        "parts/lite-8-grey-alpha": encoder.encode(Picture(grey, alpha), 50, exact_tiles=False),
        "parts/on-top-near-grey": on_top(encoder, Picture(grey), 50, 2),
        "parts/on-top-copies": on_top(encoder, Picture(formula_graphic(30, 36, 3)), 90, 1, Choices(1, copies=True)),
        "parts/mixed-tiles": mixed_tiles(encoder),
    }


def on_top(encoder: Encoder, picture: Picture, quality: int, near: int, choices: Choices | None = None) -> bytes:
    """A file that is exact, or nearly so, on top of its learned picture, whether or not that is the smaller way."""
    header, tiles = encoder.learned(picture, quality, PLAIN)
    shown = encoder.decoded(encoder.file(replace(header, alpha=False), tiles, (), replace(picture, alpha=None))).pixels
    work = [(COLOURS | ON_TOP, picture.pixels, near)]
    colours = exact.encode_tiles(header, list(exact.rectangles(header)), work, None, shown)
    if choices is not None:
        payload = exact_writer.encode(picture.pixels, picture.depth, choices, shown)
        kept = exact_writer.decode(payload, picture.pixels, picture.depth, shown)
        colours = [ExactPart(0, COLOURS | ON_TOP, check_value(kept), payload)]
    parts = exact.merged(colours, exact.encode_alpha(header, picture, None))
    return encoder.file(replace(header, most_error=near), tiles, parts, picture)


def mixed_tiles(encoder: Encoder) -> bytes:
    """Entropy tiles and exact tiles, each exact one of another sort: colours and alpha apart, as they are on top of the
    learned picture, alpha alone over flat blocks, and side by side; flat blocks below all."""
    pixels = formula_picture(80, 100, 4)
    pixels[64:, :48] = 99
    colours, alpha = np.ascontiguousarray(pixels[:, :, :3]), pixels[:, :, 3:].copy()
    picture = Picture(colours, alpha[:, :, 0].copy())
    header, tiles = encoder.learned(picture, 20, Options(64, LEVELS[0]))
    header = replace(header, exact_tile_size=64)
    places = list(exact.rectangles(header))

    def part(number: int, what: int, samples: np.ndarray, plain: bool = False) -> ExactPart:
        cut = np.ascontiguousarray(samples[places[number].rows, places[number].columns])
        made = exact_writer.plain(cut, 8) if plain else exact_writer.encode(cut, 8, Choices())
        return ExactPart(number, what, check_value(cut), made)

    parts = [
        part(0, COLOURS, colours // 64 * 64),
        part(0, ALPHA, alpha // 128 * 128),
        part(1, COLOURS | ON_TOP, colours // 64 * 64, plain=True),
        part(1, ALPHA, alpha // 128 * 128),
        part(2, ALPHA, alpha),
        part(3, COLOURS | ALPHA, pixels),
    ]
    index = np.full((5, 7, 1), 0, np.uint8)
    index[3:, :3] = 1
    index[0, 0] = 2
    values = np.array([[99, 99, 99], [1, 2, 3]], np.uint8)
    return container.write(
        header, tiles, exact=parts, flats=flats.pack(values, exact_writer.encode(index, 8, Choices()))
    )
