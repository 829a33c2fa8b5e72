"""Files that were damaged or made to hurt: an error of ours or the very picture, in bounded time, with nothing left
behind."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.cli.main import run
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.exact import encode_part
from hpcmcodec.errors import CorruptError, HpcmError
from hpcmcodec.formats import container, header
from hpcmcodec.formats.chunks import Chunk, assemble
from hpcmcodec.formats.container import Tile
from hpcmcodec.formats.exact import ALPHA, ExactPart
from hpcmcodec.formats.payloads import pack_tile
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.kernels import decode as core
from hpcmcodec.kernels.encode import GivenTile, Keep
from hpcmcodec.models.export import exact, export_model
from tests.fuzz import library_seeds
from tests.fuzz.seeds import forged

from .conftest import TINY, picture, tiny_arrays

SECONDS = 10
QUICK = settings(max_examples=60, deadline=SECONDS * 1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
REFUSALS = {error.exit_code for error in HpcmError.__subclasses__() if error.exit_code >= 10}


@cache
def originals() -> tuple[bytes, ...]:
    """A plain photo, one with alpha and metadata, a grey one, one in tiles."""
    encoder = Encoder("tiny")
    alpha = picture(40, 30, 1, seed=5)[:, :, 0]
    full = Picture(picture(40, 30), alpha, icc=b"profile" * 30, exif=b"II*\0" + bytes(50), xmp=b"<x/>" * 20)
    return (
        encoder.encode(Picture(picture(50, 70))),
        encoder.encode(full),
        encoder.encode(Picture(picture(9, 20, 1))),
        encoder.encode(Picture(picture(100, 130)), 20, tile_size=64),
    )


@cache
def decoder() -> Decoder:
    return Decoder(limits=container.Limits(max_pixels=1 << 20))


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut", "drop", "insert", "repeat", "splice"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=5,
)


def mutate(data: bytes, operations: list[tuple[str, float, bytes]]) -> bytes:
    """Damage of the kinds that files meet."""
    for kind, where, material in operations:
        at, size = int(where * len(data)), 7 * len(material)
        other = originals()[material[0] % len(originals())]
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ 1 << material[0] % 8]) + data[at + 1 :]
        elif kind == "set":
            data = data[:at] + material + data[at + len(material) :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + size :]
        elif kind == "insert":
            data = data[:at] + material + data[at:]
        elif kind == "repeat":
            data = data[: at + size] + data[at:]
        else:
            data = data[:at] + other[int(where * len(other)) + material[-1] - 128 :]
    return data


@given(st.integers(0, 3), OPERATIONS)
@QUICK
def test_damage_never_gives_a_wrong_picture(number: int, operations: list[tuple[str, float, bytes]]) -> None:
    damaged = mutate(originals()[number], operations)
    try:
        decoder().decode(damaged)
    except HpcmError as error:
        assert error.exit_code in REFUSALS and str(error) and "\n" not in str(error)
        return
    assert damaged in originals()


@given(st.integers(0, 3), OPERATIONS, st.sampled_from(["decode", "verify", "info"]))
@QUICK
def test_commands_refuse_in_one_line_and_leave_nothing(
    tmp_path: Path, capsys: Any, number: int, operations: list[tuple[str, float, bytes]], command: str
) -> None:
    damaged = mutate(originals()[number], operations)
    (tmp_path / "a.hpc").write_bytes(damaged)
    arguments = ["-o", str(tmp_path / "a.png")] if command == "decode" else []
    code = run([command, str(tmp_path / "a.hpc"), *arguments])
    printed = capsys.readouterr().err
    if damaged in originals():
        assert code == 0
    elif command != "info":  # which reads no streams and describes a truncated file as far as it goes
        assert code in REFUSALS
    if code:
        assert printed.startswith("hpcm: ") and printed.count("\n") == 1
        assert [path.name for path in tmp_path.iterdir()] == ["a.hpc"]
    (tmp_path / "a.png").unlink(missing_ok=True)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "width": st.integers(1, 400),
        "height": st.integers(1, 400),
        "channels": st.sampled_from([1, 3]),
        "quality": st.sampled_from([None, 1, 50, 99.5, 100]),
        "tile_size": st.sampled_from([0, 64, 128, 1 << 20]),
        "streams": st.sampled_from([3, 4]),
    },
)


@given(st.integers(0, 3), HEADERS, st.lists(st.binary(max_size=40), min_size=4, max_size=4), st.integers(0, 15))
@QUICK
def test_hostile_writers_with_right_checksums(
    number: int, changes: dict[str, Any], material: list[bytes], kept: int
) -> None:
    """Any header around any streams: never anything but our errors, or a picture of the size that the header says."""
    file = container.read(originals()[number])
    try:
        header = replace(file.header, **changes)
    except errors.UsageError:
        return
    tiles = []
    for i in range(header.tiles):
        own = file.tile(min(i, file.tiles_present - 1))
        chosen = [s if kept >> j & 1 else m for j, (s, m) in enumerate(zip(own.streams, material, strict=True))]
        tiles.append(Tile(tuple(chosen[: header.streams]), own.check))
    header = replace(header, alpha=bool(material[0]), exact_tile_size=0)
    parts = file.exact if kept & 1 and file.exact else [ExactPart(0, ALPHA, 0, material[0])]
    forged = container.write(header, tiles, exact=parts if header.alpha else ())
    start = time.process_time()
    try:
        decoded = decoder().decode(forged)
    except HpcmError as error:
        assert error.exit_code in REFUSALS
    else:
        assert decoded.pixels.shape == (header.height, header.width, header.channels)
    assert time.process_time() - start < SECONDS


def test_sizes_that_padding_makes_large() -> None:
    """One row of a million pixels is padded to 64: memory goes by that, not by what the header says."""
    file = container.read(originals()[0])
    for height, width in ((1, 1 << 20), (1 << 20, 1)):
        forged = container.write(replace(file.header, height=height, width=width), [file.tile(0)])
        with pytest.raises(errors.LimitExceededError, match="limit"):
            decoder().decode(forged)


def test_a_bad_first_stream_ends_the_work_on_a_large_picture() -> None:
    """Before memory is taken for the other scales."""
    file = container.read(originals()[0])
    tile = file.tile(0)
    header = replace(file.header, height=8000, width=8000)
    start = time.process_time()
    for first in (b"", bytes(40), bytes(tile.streams[0])):
        with pytest.raises(HpcmError):
            Decoder().decode(container.write(header, [Tile((first, *tile.streams[1:]), tile.check)]))
    assert time.process_time() - start < SECONDS


def test_metadata_that_unpacks_to_more_than_it_says() -> None:
    file = container.read(originals()[0])
    head = container._header.pack(file.header)
    latent = Chunk(0x83, pack_tile(file.header, 0, file.tile(0)))
    data = container.SIGNATURE + bytes([1, len(head)]) + head
    crc = container.zlib.crc32(data[4:])
    forged = data + crc.to_bytes(4, "little") + assemble([latent, Chunk(0x05, bytes([1, 4]) + _bomb())], crc)
    with pytest.raises(CorruptError):
        decoder().decode(forged)


@cache
def _bomb() -> bytes:
    return container.zlib.compress(bytes(1 << 24), 9)


MEASURE = """
import resource, sys
from pathlib import Path
from hpcmcodec import Decoder
from hpcmcodec.errors import HpcmError
folder = Path(sys.argv[1])
decoder = Decoder(1)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decoder.decode((folder / "sound").read_bytes())
sound = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(folder.glob("bad*")):
    try:
        decoder.decode(path.read_bytes())
        sys.exit(f"{path} decodes")
    except HpcmError:
        pass
print(start, sound, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_within_twice_that_of_a_sound_file(tmp_path: Path) -> None:
    """Of 60 damaged files of a fifth of a megapixel, some with right checksums."""
    assert resource.RUSAGE_SELF is not None
    sound = Encoder("tiny").encode(Picture(picture(400, 500)))
    (tmp_path / "sound").write_bytes(sound)
    rng = np.random.default_rng(11)
    file = container.read(sound)
    tile = file.tile(0)
    for i in range(60):
        if i % 2:
            bad = bytearray(sound)
            for place in rng.integers(0, len(sound), 3):
                bad[place] ^= 1 << rng.integers(8)
        else:
            streams = [bytearray(stream) for stream in tile.streams]
            stream = streams[rng.integers(4)]
            stream[rng.integers(len(stream))] ^= 1 << rng.integers(8)
            bad = bytearray(container.write(file.header, [Tile(tuple(map(bytes, streams)), tile.check)]))
        (tmp_path / f"bad{i:03}").write_bytes(bad)
    result = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    start, one, all_of_them = map(int, result.stdout.split())
    assert all_of_them - start <= 2 * (one - start)


@pytest.mark.parametrize(("part", "factor"), [("g_a", 1e30), ("ctx_", 1e30), ("", 1e6)])
@pytest.mark.parametrize("effort", [0, 2])
def test_finite_weights_that_lead_beyond_all_bounds(tmp_path: Path, part: str, factor: float, effort: int) -> None:
    """A model that can be loaded and not be used is a bad model, not a bug."""
    arrays = tiny_arrays(0)
    for name in arrays:
        if name.startswith(part):
            arrays[name] *= np.float32(factor)
    export_model(tmp_path / "wild.safetensors", "wild", TINY, arrays, storage=exact)
    encoder = Encoder(tmp_path / "wild.safetensors")
    with pytest.raises(errors.ModelFileError, match="model 'wild'"):
        encoder.encode(Picture(picture(40, 50)), effort=effort)


def test_info_knows_no_limit_and_verify_the_limits_that_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "a.hpc", container.read(originals()[0])
    path.write_bytes(container.write(replace(file.header, height=60000, width=50000), [file.tile(0)]))
    assert run(["info", str(path)]) == 0 and "50000" in capsys.readouterr().out
    assert run(["verify", str(path)]) == errors.LimitExceededError.exit_code
    path.write_bytes(originals()[0])
    assert run(["verify", str(path)]) == 0
    for option in ("--max-pixels", "--max-memory"):
        assert run(["verify", str(path), option, "100"]) == errors.LimitExceededError.exit_code
        assert option in capsys.readouterr().err


def test_a_region_of_a_huge_picture_with_alpha_takes_its_own_tiles_alone() -> None:
    """Of 67 million pixels, in memory that their alpha alone would not fit into."""
    side, tile = 8192, 256
    file = container.read(Encoder("tiny").encode(Picture(picture(64, 64)), 20, tile_size=64))
    about = replace(file.header, width=side, height=side, tile_size=64, alpha=True, exact_tile_size=tile)
    plane = np.full((tile, tile, 1), 7, np.uint8)
    part = encode_part(0, ALPHA, plane, depth=8, reference=None, near=0)
    damaged = [replace(part, tile=number, check=number % 2) for number in range(1, (side // tile) ** 2)]
    data = container.write(about, [file.tile(0)] * (side // 64) ** 2, exact=[part, *damaged])
    small = Decoder(limits=container.Limits(max_memory=250 << 20))
    found = small.decode(data, region=(100, 100, 64, 64))
    assert found.alpha is not None and (found.alpha == 7).all()
    with pytest.raises(CorruptError, match="exact tile"):
        small.decode(data, region=(side - 64, side - 64, 64, 64))


def test_info_of_very_many_tiles_counts_them_in_the_core() -> None:
    """Thousands of learned tiles without streams, and as many of alpha: no object of Python for each."""
    import tracemalloc

    side, count = 64, 1 << 14
    about = replace(container.read(originals()[0]).header, width=side << 7, height=side << 7, tile_size=side)
    data = container.write(
        replace(about, alpha=True, exact_tile_size=side),
        [Tile((b"",) * 4, 0)] * count,
        exact=[ExactPart(i, ALPHA, 0, b"x") for i in range(count)],
    )
    tracemalloc.start()
    try:
        found = hpcmcodec.info(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.tiles == count and found.exact_tiles == {"alpha": count} and found.streams["exact"] == count
    assert found.streams["hyper"] == found.streams["latent3"] == 0
    assert peak < 1 << 18


@pytest.mark.skipif(os.name == "nt", reason="files with holes")
@pytest.mark.parametrize("command", ["decode", "verify", "info"])
def test_files_larger_than_memory(tmp_path: Path, command: str) -> None:
    """Of eight terabytes, most of it a hole: not read to the end, whether or not they begin like an hpc file."""
    path = tmp_path / "a.hpc"
    for start, code in ((b"RIFF", errors.NotHpcError), (originals()[0], errors.LimitExceededError)):
        with path.open("wb") as file:
            file.write(start)
            file.truncate(2**43)
        assert run([command, str(path)]) == code.exit_code
    assert [path.name for path in tmp_path.iterdir()] == ["a.hpc"]
    if command != "info":
        path.write_bytes(originals()[0])
        assert run([command, str(path), "--max-memory", "50"]) == errors.LimitExceededError.exit_code


def _packed(value: bytes) -> bytes:
    """The header of a file of the tiny model with an optional field, key 64, of these bytes."""
    packed = header.pack(container.read(originals()[0]).header)
    return bytes([packed[0] + 1]) + packed[1:] + b"\x40" + value


def _lists(depth: int) -> bytes:
    return b"\x91" * depth + b"\0"


GOOD_FIELDS = {
    "nil": b"\xc0",
    "number": b"\xce\x00\x01\x00\x00",
    "negative": b"\xe0",
    "fraction": b"\xca\x3f\x00\x00\x00",
    "text": b"\xa3\xe2\x82\xac",
    "long text": b"\xd9\xff" + b"a" * 255,
    "bytes": b"\xc4\xff" + bytes(255),
    "lists": _lists(4),
    "map": b"\x82\x01\x00\x02\x91\xc3",
    "64 elements": b"\xdc\x00\x40" + bytes(64),
}
BAD_FIELDS = {
    "lists": _lists(5),
    "many lists": _lists(400),
    "too many for Python": _lists(900),
    "not a number": b"\xca\x7f\xc0\x00\x00",
    "infinite": b"\xca\xff\x80\x00\x00",
    "binary64": b"\xcb" + bytes(8),
    "large negative": b"\xd0\x80",
    "negative key": b"\x81\xff\x00",
    "keys that descend": b"\x82\x02\x00\x01\x00",
    "keys twice": b"\x82\x01\x00\x01\x00",
    "no UTF-8": b"\xa2\xc3\x28",
    "surrogate": b"\xa3\xed\xa0\x80",
    "overlong": b"\xa2\xc0\x80",
    "extension": b"\xc7\x00\x05",
    "timestamp": b"\xd6\xff" + bytes(4),
    "longer text": b"\xda\x01\x00" + b"a" * 256,
    "longer bytes": b"\xc5\x01\x00" + bytes(256),
    "65 elements": b"\xdc\x00\x41" + bytes(65),
}


@pytest.mark.parametrize("name", [*GOOD_FIELDS, *(f"bad {name}" for name in BAD_FIELDS)])
def test_both_readers_take_the_same_optional_fields(name: str) -> None:
    """Python's, which encoders and `info` use, and the decoder's in C++: what FORMAT.md allows, and a typed error."""
    field = BAD_FIELDS[name.removeprefix("bad ")] if name.startswith("bad ") else GOOD_FIELDS[name]
    file = container.read(originals()[0])
    data = forged(_packed(field), [replace(chunk, head=b"", crc=None) for chunk in file.latents])
    model = decoder().model_of(core.File(originals()[0], 1 << 20, 1 << 20))
    readers: tuple[Callable[[], object], ...] = (
        lambda: container.read(data),
        lambda: core.decode(core.File(data, 1 << 20, 1 << 20), model),
    )
    for read in readers:
        if name in GOOD_FIELDS:
            read()
            continue
        with pytest.raises(CorruptError, match="header"):
            read()


def test_a_program_may_take_the_layout_for_any_map() -> None:
    """Where all latents are coded, nothing but such a program needs it: the decoder read memory that was not there."""
    model = next(library_seeds.by_hand())
    model.program["entries"]["latents"]["outputs"] = [["latent", 1]]
    codec = model.codec()
    ones, zeros = np.ones((4, 4, 6), np.float32), np.zeros((3, 1, 2), np.float32)
    tiles = [GivenTile(8, 12, ones, zeros)]
    (coded,) = codec.tiles.encode(tiles, codec.condition(50), keep=Keep.LATENTS)
    assert coded.latents is not None and np.array_equal(coded.latents, ones)
    head = header.Header(12, 8, "fuzz", codec.identity, streams=codec.streams, quality=50)
    data = container.write(head, [Tile(tuple(coded.streams), coded.check)])
    decoder = Decoder()
    decoder.add(codec)
    assert decoder.decode(data).pixels.shape == (8, 12, 3)
