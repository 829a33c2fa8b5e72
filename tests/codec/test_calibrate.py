"""`hpcm models calibrate`: a model with a trellis from one without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from hpcmcodec.cli.main import cli
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.calibrate import calibrate
from hpcmcodec.codec.choose import looks_exact
from hpcmcodec.codec.model import CURVATURE, CodecModel
from hpcmcodec.codec.refine import bits_per_error, curvature_at
from hpcmcodec.errors import CorruptError, MissingModelError, UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.store import find
from hpcmcodec.nn import operations as ops

from .conftest import picture


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        Image.fromarray(picture(70, 80, seed=seed)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory, models: Path, photos: Path) -> Path:
    output = tmp_path_factory.mktemp("calibrated") / "fine.safetensors"
    model = str(models / "tiny.safetensors")
    command = ["models", "calibrate", model, "--data", str(photos), "-o", str(output), "--count", "2"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    assert "fine" in result.output
    return output


@pytest.mark.parametrize("effort", [0, 2])
def test_files_of_the_new_model(calibrated: Path, effort: int) -> None:
    encoder, decoder, pixels = Encoder(calibrated), Decoder(), picture(100, 140, seed=9)
    decoder.add(encoder.model)
    data = encoder.encode(Picture(pixels), 60, effort=effort)
    plain = Encoder("tiny").encode(Picture(pixels), 60)
    errors = [np.square(decoder.decode(d).pixels.astype(float) - pixels).mean() for d in (data, plain)]
    assert len(data) * errors[0] ** 0.5 < len(plain) * errors[1] ** 0.5  # better, at whatever rate it took
    tiled = encoder.encode(Picture(pixels), 60, tile_size=64)
    assert decoder.decode(tiled).pixels.shape == pixels.shape
    with pytest.raises((MissingModelError, CorruptError)):
        Decoder().decode(data)


def test_weights_and_what_is_known_of_them_stay(calibrated: Path) -> None:
    old, new = find("tiny"), model_file.read(calibrated)
    assert new.config == old.config and new.name == "fine" and new.identity != old.identity
    assert new.provenance["calibrated"] == "tiny" and new.distribution["trellis"] == "fitted to 2 pictures"
    assert all(np.array_equal(new.tensors[name], array) for name, array in old.tensors.items())
    with pytest.raises(UsageError, match="cannot have a trellis"):  # a second time
        calibrate(calibrated, [Picture(picture(64, 64))], calibrated.with_name("again.safetensors"), "again")


def test_effort_knows_the_curvature_that_was_measured(calibrated: Path) -> None:
    new = model_file.read(calibrated)
    assert new.measured["curvature"] > 0 and CodecModel.load(new).curvature == new.measured["curvature"]
    assert CodecModel.load(find("tiny")).curvature == CURVATURE
    for wrong in (0.0, -1, float("nan"), 1e9, "2", None):
        assert CodecModel.load(replace(new, measured={"curvature": wrong})).curvature == CURVATURE


def test_pictures_too_small_for_a_curvature_leave_it_out(tmp_path: Path, models: Path) -> None:
    calibrate(models / "tiny.safetensors", [Picture(picture(9, 200))], tmp_path / "a.safetensors", "a")
    assert "curvature" not in model_file.read(tmp_path / "a.safetensors").measured


def test_curvature_is_the_second_derivative() -> None:
    """Of a synthesis that is a multiplication by 3: of the distortion in bits."""

    class Linear:
        config, rate = LiteConfig(), "fixed"

        def condition(self, quality: Any) -> None:
            return None

        def synthesise(self, y: Any, cond: Any) -> Any:
            return ops.matrix(y, 3 * np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1))

    y_hat, pixels = np.ones((1, 3, 5, 4), np.float32), np.zeros((5, 4, 3), np.uint8)
    found = curvature_at(Linear(), 50, pixels, y_hat)
    assert found == pytest.approx(9 * 2 * bits_per_error(Linear(), 50), rel=1e-4)


def test_what_cannot_be_done(tmp_path: Path, photos: Path) -> None:
    empty, there = tmp_path / "empty", tmp_path / "there.safetensors"
    empty.mkdir()
    there.write_bytes(b"precious")
    for data, output, problem in ((empty, tmp_path / "m.safetensors", "no pictures"), (photos, there, "--force")):
        result = CliRunner().invoke(cli, ["models", "calibrate", "tiny", "--data", str(data), "-o", str(output)])
        assert result.exit_code != 0 and problem in str(result.exception)
    assert there.read_bytes() == b"precious"


def test_graphics_are_among_the_pictures(tmp_path: Path, models: Path) -> None:
    """They count as what the learned codec makes of them, though files of them would be exact."""
    blocks = np.random.default_rng(3).integers(0, 256, (40, 40, 3), np.uint8)
    page = blocks.repeat(4, axis=0).repeat(4, axis=1)
    assert looks_exact(Picture(page)) is not None
    calibrate(models / "tiny.safetensors", [Picture(page), Picture(picture(160, 160))], tmp_path / "a.safetensors", "a")
    assert model_file.read(tmp_path / "a.safetensors").levels is not None
