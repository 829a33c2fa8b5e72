"""Picture -> bytes -> picture with small random weights: sizes, qualities, exactness, and what must be refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.tiling import LatentArea, inside
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store
from hpcmcodec.models.export import exact, export_model
from tests.levels import every_way

from .conftest import TINY, picture, tiny_arrays

SIZES = [(1, 1), (1, 50), (64, 64), (65, 63), (97, 131)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_size_survives(size: tuple[int, int]) -> None:
    data = hpcmcodec.encode(picture(*size), model="tiny")
    image = hpcmcodec.decode(data)
    assert image.size == size[::-1] and image.mode == "RGB"


def test_grey_stays_grey_and_alpha_is_lossless() -> None:
    alpha = picture(40, 30, 1, seed=5)[:, :, 0]
    decoded = Decoder().decode(Encoder("tiny").encode(Picture(picture(40, 30, 1), alpha)))
    assert decoded.pixels.shape == (40, 30, 1)
    assert decoded.alpha is not None
    np.testing.assert_array_equal(decoded.alpha, alpha)


def test_metadata_survives_unless_stripped() -> None:
    source = Picture(picture(20, 20), None, icc=b"profile" * 9, exif=b"II*\0", xmp=b"<x/>")
    encoder, decoder = Encoder("tiny"), Decoder()
    decoded = decoder.decode(encoder.encode(source))
    assert (decoded.icc, decoded.exif, decoded.xmp) == (source.icc, source.exif, source.xmp)
    public = hpcmcodec.Encoder("tiny")
    for strip, kept in ((True, set()), ("exif", {"icc", "xmp"}), (("icc", "xmp"), {"exif"})):
        bare = decoder.decode(public.encode(source, strip=strip))
        assert {kind for kind in ("icc", "exif", "xmp") if getattr(bare, kind)} == kept


def test_the_same_bits_at_every_level_and_thread_count() -> None:
    source = Picture(picture(70, 90), None)
    results = set()
    for _ in every_way(1, 2, 3):
        data = Encoder("tiny").encode(source, 60)
        results.add((data, Decoder().decode(data).pixels.tobytes()))
    assert len(results) == 1


def test_the_same_bits_when_the_host_flushes_subnormals() -> None:
    torch = pytest.importorskip("torch")
    source = Picture(picture(50, 60), None)
    expected = Encoder("tiny").encode(source, 60)
    pixels = Decoder().decode(expected).pixels
    torch.set_flush_denormal(True)
    try:
        assert Encoder("tiny").encode(source, 60) == expected
        np.testing.assert_array_equal(Decoder().decode(expected).pixels, pixels)
    finally:
        torch.set_flush_denormal(False)


def test_threads_share_one_encoder_and_decoder() -> None:
    encoder, decoder = Encoder("tiny"), Decoder()
    sources = [Picture(picture(40 + 9 * i, 70 - 5 * i, seed=i), None) for i in range(6)]
    alone = [encoder.encode(s, 40) for s in sources]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda s: encoder.encode(s, 40), sources))
        decoded = list(pool.map(lambda d: decoder.decode(d).pixels.tobytes(), together))
    assert together == alone
    assert decoded == [decoder.decode(d).pixels.tobytes() for d in alone]


def test_kinds_of_input(tmp_path: Path) -> None:
    array = picture(33, 21)
    path = tmp_path / "a.png"
    Image.fromarray(array).save(path)
    expected = hpcmcodec.encode(array, model="tiny")
    for image in (path, str(path), path.read_bytes(), Image.fromarray(array)):
        assert hpcmcodec.encode(image, model="tiny") == expected
    with path.open("rb") as file:
        assert hpcmcodec.encode(file, model="tiny") == expected


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), "u1")]
)
def test_arrays_that_are_no_pictures(array: np.ndarray) -> None:
    with pytest.raises(errors.InputError):
        hpcmcodec.encode(array, model="tiny")


@pytest.mark.parametrize("quality", [0, 101, -3])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(errors.UsageError, match="quality"):
        hpcmcodec.encode(picture(8, 8), quality, model="tiny")


def test_missing_model_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = hpcmcodec.encode(picture(40, 40), model="other")
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    with pytest.raises(errors.MissingModelError, match="other"):
        hpcmcodec.decode(data)
    report = hpcmcodec.verify(data)
    assert (report.checksums, report.model_found, report.decodes) == (True, False, False)
    assert report.exit_code == errors.MissingModelError.exit_code


def test_other_arithmetic_is_noticed() -> None:
    """A file whose check value belongs to other latents must not decode to a picture."""
    data = hpcmcodec.encode(picture(40, 40), model="tiny")
    file = container.read(data)
    tile = file.tile(0)
    forged = container.write(file.header, [container.Tile(tile.streams, tile.check ^ 1)])
    with pytest.raises(errors.ArithmeticMismatchError):
        hpcmcodec.decode(forged)


def test_every_damaged_byte_is_noticed() -> None:
    data = hpcmcodec.encode(picture(16, 16), model="tiny")
    decoder = Decoder()
    decoder.decode(data)
    for i in range(len(data)):
        broken = bytearray(data)
        broken[i] ^= 0x10
        with pytest.raises(errors.HpcmError):
            decoder.decode(bytes(broken))
        with pytest.raises(errors.HpcmError):
            decoder.decode(data[:i])


def test_streams_with_sound_checksums_but_wrong_content() -> None:
    """Damage that no checksum sees (a hostile writer): an error, never a picture or a crash."""
    data = hpcmcodec.encode(picture(48, 80), model="tiny")
    file, decoder, rng = container.read(data), Decoder(), np.random.default_rng(3)
    tile = file.tile(0)
    for _ in range(60):
        streams = [bytearray(s) for s in tile.streams]
        stream = streams[rng.integers(len(streams))]
        if stream:
            stream[rng.integers(len(stream))] ^= 1 << rng.integers(8)
        forged = container.write(file.header, [container.Tile(tuple(map(bytes, streams)), tile.check)])
        if forged != data:
            with pytest.raises(errors.HpcmError):
                decoder.decode(forged)


@pytest.mark.parametrize("weights", ["g_s.head.weight", "ctx_b.heads.5.weight"])
def test_values_that_are_not_finite_are_no_picture(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the largest float, pixels would depend on the processor."""
    sound = hpcmcodec.encode(picture(64, 64), model="tiny")
    arrays = tiny_arrays(0)
    arrays[weights][: len(arrays[weights]) // 2] = 3e38  # of the last step only its means: the symbols stay sound
    export_model(tmp_path / "wild.safetensors", "wild", TINY, arrays, storage=exact)
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    file = container.read(sound)
    header = replace(file.header, model_name="wild", model_id=store.find("wild").id)
    with pytest.raises(errors.CorruptError, match="damaged"):
        hpcmcodec.decode(container.write(header, [file.tile(0)]))


def test_info_describes_the_file() -> None:
    data = hpcmcodec.encode(picture(48, 80), 33, model="tiny")
    info = hpcmcodec.info(data)
    assert (info.width, info.height, info.channels, info.quality) == (80, 48, 3, 33)
    assert (info.model, info.size, info.truncated) == ("tiny", len(data), False)
    assert sum(info.streams.values()) + info.overhead == len(data)
    assert info.overhead <= 64
    assert hpcmcodec.verify(data).ok


def test_cells_are_coded_as_a_whole() -> None:
    area = LatentArea.of(65, 1, 128, 16, 64)
    assert (area.rows, area.columns, area.own_rows, area.own_columns) == (8, 8, 8, 4)
    assert LatentArea.of(65, 1, 64, 16, 64).whole


@pytest.mark.parametrize(
    ("height", "width", "own"), [(64, 64, (4, 4)), (65, 1, (5, 1)), (100, 130, (7, 9)), (128, 192, (8, 12))]
)
def test_coded_area(height: int, width: int, own: tuple[int, int]) -> None:
    area = LatentArea.of(height, width, 64, 16)
    assert (area.own_rows, area.own_columns) == own
    found = inside(area, 3)
    if found is None:
        assert own == (area.rows, area.columns)
    else:
        assert found.shape == (1, 3, area.rows, area.columns)
        assert found.sum() == 3 * own[0] * own[1]
