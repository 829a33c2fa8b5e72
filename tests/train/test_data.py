"""The cache of decoded pictures and the crops."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.errors import InputError
from hpcmcodec.train.data import Crops, load_pictures
from tests.codec.conftest import picture


def test_cache_holds_the_pictures(photos: Path, tmp_path: Path) -> None:
    pictures = load_pictures(photos, tmp_path)
    assert len(pictures) == 6  # the broken one is left out
    for i, path in enumerate([*sorted(photos.glob("*.png")), photos / "sub" / "small.png"]):
        np.testing.assert_array_equal(pictures[i], np.asarray(Image.open(path)))
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    again = load_pictures(photos, tmp_path)
    assert again.key == pictures.key and file.stat().st_mtime_ns == before
    assert isinstance(again.pixels, np.memmap)


def test_changed_folder_is_another_cache(tmp_path: Path) -> None:
    source, cache = tmp_path / "in", tmp_path / "cache"
    source.mkdir()
    Image.fromarray(picture(64, 64)).save(source / "a.png")
    first = load_pictures(source, cache)
    os.utime(source / "a.png", (1, 1))
    second = load_pictures(source, cache)
    assert first.key != second.key and len(list(cache.iterdir())) == 2


def test_crops_depend_on_seed_and_step_alone(photos: Path, tmp_path: Path) -> None:
    pictures = load_pictures(photos, tmp_path)
    crops, same = Crops(pictures, 64, 0.5, 1), Crops(pictures, 64, 0.5, 1)
    crops.batch(0, 4)
    a, b = crops.batch(7, 4), same.batch(7, 4)
    assert a.shape == (4, 3, 64, 64) and a.dtype == np.uint8
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, crops.batch(8, 4)) and not np.array_equal(a, Crops(pictures, 64, 0.5, 2).batch(7, 4))


def test_small_pictures_are_left_out(photos: Path, tmp_path: Path) -> None:
    pictures = load_pictures(photos, tmp_path)
    assert Crops(pictures, 64, 0, 0).skipped == 1 and Crops(pictures, 128, 0, 0).skipped == 4
    with pytest.raises(InputError, match=r"all 6 pictures are smaller than the crop of 512x512.*--patch-size"):
        Crops(pictures, 512, 0, 0)


def test_crops_are_parts_of_the_picture_in_all_eight_orientations(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    y, x = np.mgrid[:64, :64]
    pixels = np.stack([y, x, y * 0], -1).astype(np.uint8)
    Image.fromarray(pixels).save(source / "a.png")
    batch = Crops(load_pictures(source, tmp_path), 64, 0.0, 0).batch(0, 64)
    seen = {crop.tobytes() for crop in batch}
    assert len(seen) == 8 and pixels.transpose(2, 0, 1).tobytes() in seen


def test_reduced_crops_cover_more(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 256, 0)
    Image.fromarray(np.stack([ramp] * 3, -1)).save(source / "a.png")
    pictures = load_pictures(source, tmp_path)
    spans = [int(np.ptp(crop)) for crop in Crops(pictures, 64, 1.0, 0).batch(0, 16)]
    assert min(spans) > 70 and max(int(np.ptp(c)) for c in Crops(pictures, 64, 0.0, 0).batch(0, 16)) == 63


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        load_pictures(tmp_path / "nothing", tmp_path)
    with pytest.raises(InputError, match="holds no pictures"):
        load_pictures(tmp_path, tmp_path)
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(InputError, match="none of the pictures"):
        load_pictures(tmp_path, tmp_path / "cache")


def test_pictures_without_loss_are_known_and_drawn_more_often(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    dark, light = (Image.fromarray(np.full((128, 128, 3), value, np.uint8)) for value in (0, 255))
    dark.save(source / "a.webp", lossless=True)
    light.save(source / "b.webp", quality=80)
    light.save(source / "c.jpg")
    pictures = load_pictures(source, tmp_path)
    assert pictures.index[:, 3].tolist() == [1, 0, 0]
    shares = [(Crops(pictures, 64, 0.0, 0, times).batch(0, 300) < 128).mean() for times in (1.0, 8.0)]
    assert 0.25 < shares[0] < 0.42 and 0.72 < shares[1] < 0.88


def test_clean_crops_come_last(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    dark, light = (Image.fromarray(np.full((128, 128, 3), value, np.uint8)) for value in (0, 255))
    dark.save(source / "a.png")
    light.save(source / "b.jpg")
    crops = Crops(load_pictures(source, tmp_path), 64, 0.5, 0)
    places = []
    for step in range(40):
        order = crops.by_cleanness(step, 8)
        assert sorted(order) == list(range(8))
        clean = crops.batch(step, 8)[order].mean((1, 2, 3)) < 128
        places.append(clean.astype(float))
    found = np.mean(places, 0)
    assert found[:3].mean() < found[-3:].mean() - 0.3
