"""`hpcm models calibrate`: a model with a trellis from one without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from hpcmcodec.cli.main import cli
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.calibrate import calibrate
from hpcmcodec.errors import CorruptError, MissingModelError, UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models.store import find

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


def test_what_cannot_be_done(tmp_path: Path, photos: Path) -> None:
    empty, there = tmp_path / "empty", tmp_path / "there.safetensors"
    empty.mkdir()
    there.write_bytes(b"precious")
    for data, output, problem in ((empty, tmp_path / "m.safetensors", "no pictures"), (photos, there, "--force")):
        result = CliRunner().invoke(cli, ["models", "calibrate", "tiny", "--data", str(data), "-o", str(output)])
        assert result.exit_code != 0 and problem in str(result.exception)
    assert there.read_bytes() == b"precious"
