"""Files that were cut off, and any single bit that was flipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.cli.main import run
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.inspect import check
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture

from .conftest import picture


def ends_of_streams(data: bytes) -> list[int]:
    """Where the streams of a file without tiles end, but for the last one."""
    tile = container.read(data).tile(0)
    start = data.index(b"".join(map(bytes, tile.streams)))
    return [start + sum(map(len, tile.streams[:i])) for i in range(1, len(tile.streams))]


def test_what_is_there_is_decoded_coarser_scales_first() -> None:
    pixels = picture(120, 150)
    data = Encoder("tiny").encode(Picture(pixels), 90)
    decoder = Decoder()
    whole = decoder.decode(data)
    assert not whole.incomplete and not whole.warnings
    assert not decoder.decode(data, allow_truncated=True).incomplete
    seen = []
    for count, end in enumerate(ends_of_streams(data), 1):
        with pytest.raises(errors.TruncatedError):
            decoder.decode(data[:end])
        part = decoder.decode(data[:end], allow_truncated=True)
        assert part.incomplete and f"{count} of 4 streams" in part.warnings[0]
        assert part.pixels.shape == pixels.shape
        seen.append(part.pixels)
        if count == 1:  # nothing is there
            with pytest.raises(errors.TruncatedError):
                decoder.decode(data[: end - 1], allow_truncated=True)
            continue
        less = decoder.decode(data[: end - 1], allow_truncated=True)
        assert f"{count - 1} of 4 streams" in less.warnings[0]
    assert len({p.tobytes() for p in (*seen, whole.pixels)}) == 4
    errors_of = [np.square(p.astype(float) - whole.pixels).mean() for p in seen]
    assert errors_of[-1] < errors_of[0]  # random weights: that more streams help is all that can be asked


def test_every_length_is_an_error_or_a_picture() -> None:
    alpha = picture(20, 30, 1, seed=4)[:, :, 0]
    data = Encoder("tiny").encode(Picture(picture(20, 30), alpha, exif=b"II*\0" + bytes(20)))
    decoder = Decoder()
    header = container.read(data).overhead
    assert header < len(data)
    whole = decoder.decode(data)
    for end in (*range(0, len(data), 5), *range(len(data) - 40, len(data))):
        try:
            part = decoder.decode(data[:end], allow_truncated=True)
        except (errors.TruncatedError, errors.NotHpcError):
            assert end < 60  # inside the header
            continue
        assert part.incomplete and part.pixels.shape == (20, 30, 3)
        if "behind its learned picture" in part.warnings[0]:
            np.testing.assert_array_equal(part.pixels, whole.pixels)
            assert part.exif is None
    assert part.alpha is not None and "behind its learned picture" in part.warnings[0]


def test_tiles_that_are_there_are_exact() -> None:
    """Of a file in tiles, whole ones are as in the whole picture away from the missing ones."""
    data = Encoder("tiny").encode(Picture(picture(256, 70)), tile_size=128)
    tile = container.read(data).latents[0]
    end = data.index(bytes(tile.payload)) + len(tile.payload) + 4
    for extra in (0, 40):
        part = Decoder().decode(data[: end + extra], allow_truncated=True)
        assert "1 of 2 tiles" in part.warnings[0]
        np.testing.assert_array_equal(part.pixels[:64], Decoder().decode(data).pixels[:64])


def test_damage_in_a_file_that_was_cut_is_still_an_error() -> None:
    data = Encoder("tiny").encode(Picture(picture(60, 60)))
    header = bytearray(data[: ends_of_streams(data)[2]])
    header[12] ^= 1
    with pytest.raises(errors.CorruptError):
        Decoder().decode(bytes(header), allow_truncated=True)


def test_every_flipped_bit_is_found() -> None:
    """By `verify` and by decoding, in a file with all kinds of chunks: metadata whose type is damaged is not skipped as
    something unknown."""
    alpha = np.full((9, 12), 200, np.uint8)
    small = Picture(picture(9, 12), alpha, icc=b"profile", exif=b"II*\0", xmp=b"<x/>")
    data = Encoder("tiny").encode(small)
    decoder = Decoder()
    assert check(data, decoder).ok
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            report = check(bytes(damaged), decoder)
            assert not report.ok and report.exit_code in (10, 11, 12, 13), (position, bit)
            with pytest.raises(errors.HpcmError):
                decoder.decode(bytes(damaged))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = Encoder("tiny").encode(Picture(picture(60, 80)))
    (tmp_path / "cut.hpc").write_bytes(data[: ends_of_streams(data)[1]])
    (tmp_path / "whole.hpc").write_bytes(data)
    output = tmp_path / "cut.png"
    assert run(["decode", str(tmp_path / "cut.hpc")]) == errors.TruncatedError.exit_code and not output.exists()
    capsys.readouterr()
    assert run(["decode", str(tmp_path / "cut.hpc"), "--allow-truncated"]) == errors.INCOMPLETE
    assert "warning: the file was cut off: 2 of 4 streams" in capsys.readouterr().err
    assert hpcmcodec.formats.pictures.read_picture(output).pixels.shape == (60, 80, 3)
    assert run(["decode", str(tmp_path / "whole.hpc"), "--allow-truncated"]) == 0
    both = ["decode", str(tmp_path), "--allow-truncated", "-o", str(tmp_path / "out")]
    assert run(both) == errors.INCOMPLETE
