"""`hpcm models`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.codec.model import CodecModel
from hpcmcodec.models import store
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.lite.regroup import fewer_groups
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build, config_from_dict
from tests.codec.conftest import TINY, picture, tiny_arrays

from .storing import Hpcm


def test_list(hpcm: Hpcm, tiny: Path) -> None:
    result = hpcm("models", "list")
    head, *rows = result.out.splitlines()
    assert result.code == 0 and head.split() == [
        "name",
        "family",
        "parameters",
        "size",
        "rate",
        "decode",
        "identity",
        "file",
    ]
    assert [row.split()[0] for row in rows] == ["other", "tiny"]
    assert rows[1].split()[-1] == str(tiny / "tiny.safetensors")


def test_list_as_json(hpcm: Hpcm, tiny: Path) -> None:
    other, small = hpcm("models", "list", "--json").json
    assert (other["name"], small["name"]) == ("other", "tiny")
    assert len(small["identity"]) == 64 and small["identity"] != other["identity"]
    assert small["size"] == (tiny / "tiny.safetensors").stat().st_size


def test_list_without_models_says_where_it_looked(hpcm: Hpcm, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_MODELS", str(tiny / "empty"))
    result = hpcm("models", "list")
    assert result.code == 0 and str(tiny / "empty") in result.out and str(tiny / "user") in result.out


def test_show(hpcm: Hpcm, tiny: Path) -> None:
    result = hpcm("models", "show", "tiny")
    assert result.code == 0 and "family" in result.out and store.find("tiny").identity.hex() in result.out
    (shown,) = hpcm("models", "show", tiny / "tiny.safetensors", "--json").json
    assert shown["name"] == "tiny" and shown["config"]["latent_channels"] == 16


def test_missing_and_damaged_models(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    missing = hpcm("models", "show", "base-0.013")
    assert missing.code == 14 and "base-0.013" in missing.err and "hpcm models import" in missing.err
    data = bytearray((tiny / "tiny.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(data)
    damaged = hpcm("models", "show", tmp_path / "bad.safetensors")
    assert damaged.code == 15 and damaged.err.count("\n") == 1


def test_encode_with_a_missing_model_is_one_error(hpcm: Hpcm, tiny: Path, pictures: Path) -> None:
    result = hpcm("encode", pictures, "--model", "nope")
    assert result.code == 14 and result.err.count("\n") == 1


def test_import_of_what_is_no_checkpoint(hpcm: Hpcm, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "x.pth").write_bytes(b"nonsense")
    result = hpcm("models", "import", tmp_path / "x.pth", "--preset", "base", "-o", tmp_path)
    assert result.code == 15 and result.err.count("\n") == 1
    assert hpcm("models", "import", tmp_path / "x.pth", "--preset", "huge").code == 2


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr("hpcmcodec.models.store.user_folder", lambda: folder)
    return folder


def test_a_model_file_goes_there_and_back(
    hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.safetensors"
    export_model(mine, "mine", TINY, tiny_arrays(7))
    Image.fromarray(picture(70, 90)).save(tmp_path / "a.png")
    coded, out = tmp_path / "a.hpc", tmp_path / "b.png"
    made = hpcm("encode", tmp_path / "a.png", "-o", coded, "--model", mine, "--verify")
    assert made.code == 0, made.err
    missing = hpcm("decode", coded, "-o", out)
    assert missing.code == 14 and "hpcm models install" in missing.err
    assert hpcm("decode", coded, "-o", out, "--model", mine).code == 0
    assert hpcm("verify", coded).code == 14
    assert hpcm("verify", coded, "--model", mine).code == 0

    installed = hpcm("models", "install", mine, "--json")
    assert installed.code == 0 and installed.json[0]["installed"] is True
    assert Path(installed.json[0]["file"]) == own / "mine.safetensors"
    assert hpcm("verify", coded).code == 0 and hpcm("decode", coded, "-o", out, "-f").code == 0
    assert hpcm("models", "install", mine, "--json").json[0]["installed"] is False

    assert hpcm("models", "remove", "mine").code == 0
    assert hpcm("verify", coded).code == 14
    assert hpcm("models", "remove", "mine").code == 14


def test_a_damaged_copy_is_not_listed_as_the_default(
    hpcm: Hpcm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = store.shipped_folder() / f"{store.DEFAULT_MODEL}{store.SUFFIX}"
    damaged = bytearray(shipped.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / shipped.name).write_bytes(damaged)
    monkeypatch.setenv(store.ENVIRONMENT, str(tmp_path))
    marked = [line for line in hpcm("models", "list").out.splitlines() if "(default)" in line]
    assert len(marked) == 1 and str(shipped) in marked[0]


def test_what_cannot_be_installed_or_removed(hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path) -> None:
    damaged = bytearray((tiny / "tiny.safetensors").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(damaged)
    assert hpcm("models", "install", tmp_path / "bad.safetensors").code == 15
    assert hpcm("models", "install", tmp_path / "absent.safetensors").code == 3
    assert not list((own).glob("*"))
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    export_model(one, "same", TINY, tiny_arrays(3))
    export_model(two, "same", TINY, tiny_arrays(4))
    assert hpcm("models", "install", one).code == 0
    again = hpcm("models", "install", two)
    assert again.code == 4 and "--force" in again.err
    assert hpcm("models", "install", two, "--force").code == 0
    assert hpcm("models", "remove", "tiny").code == 2  # of a folder that is not the user's


def test_a_name_without_its_version(hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path) -> None:
    for version in (2, 10):
        export_model(tmp_path / f"mine-{version}.safetensors", f"mine-{version}", TINY, tiny_arrays(version))
        assert hpcm("models", "install", tmp_path / f"mine-{version}.safetensors").code == 0
    assert "mine-10" in hpcm("models", "show", "mine").out
    assert hpcm("models", "remove", "mine").code == 0
    assert [path.stem for path in own.glob("*.safetensors")] == ["mine-2"]
    assert hpcm("models", "remove", "min").code == 14


def test_models_beside_the_package(hpcm: Hpcm, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.ENVIRONMENT, "")
    files = sorted((Path(__file__).parents[2] / "models").glob("*.safetensors"))
    assert [path.stem for path in files] == ["lite-wavelet-1"]
    Image.fromarray(picture(70, 100)).save(tmp_path / "photo.png")
    for path in files:
        assert store.find(path).program == program_of(build(config_from_dict(store.find(path).config)))
        assert hpcm("models", "install", path).code == 0
        name = path.stem.rpartition("-")[0]
        made = hpcm("encode", tmp_path / "photo.png", "-o", tmp_path / "a.hpc", "--model", name, "--verify")
        assert made.code == 0 and path.stem in hpcm("info", tmp_path / "a.hpc").out
        assert hpcm("decode", tmp_path / "a.hpc", "-o", tmp_path / "b.png").code == 0


def test_an_adapter(hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path) -> None:
    arrays = {**tiny_arrays(0)}
    changed = next(name for name in arrays if name.startswith("ctx_"))
    arrays[changed] = arrays[changed] * np.float32(1.5)
    whole, small = tmp_path / "whole.safetensors", tmp_path / "small.safetensors"
    storage = exact
    export_model(whole, "whole", TINY, arrays, storage=storage)
    export_model(small, "small", TINY, arrays, storage=storage, base=store.find("tiny"))
    names = store.find(small).tensors
    assert set(names) == set(store.find(whole).tensors)
    assert small.stat().st_size < whole.stat().st_size
    pixels = np.random.default_rng(1).integers(0, 256, (40, 56, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for model in (whole, small):
        assert hpcm("encode", tmp_path / "a.png", "-o", tmp_path / f"{model.stem}.hpc", "--model", model).code == 0
        decoding = hpcm(
            "decode", tmp_path / f"{model.stem}.hpc", "-o", tmp_path / f"{model.stem}.png", "--model", model
        )
        assert decoding.code == 0, decoding.err
    decoded = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("whole", "small")]
    assert (decoded[0] == decoded[1]).all()

    assert hpcm("models", "install", small).code == 0
    (shown,) = hpcm("models", "show", "small", "--json").json
    assert shown["base"] == store.find("tiny").identity.hex()
    assert hpcm("decode", tmp_path / "small.hpc", "-o", tmp_path / "again.png").code == 0


def test_an_adapter_that_needs_less_than_its_base_has(
    hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, fewer = store.find("tiny"), replace(TINY, checkerboard_groups=2)
    arrays = fewer_groups(base.tensors, TINY.latent_channels, TINY.checkerboard_groups, 2)
    small = tmp_path / "small.safetensors"
    export_model(small, "small", fewer, arrays, base=base)
    Image.fromarray(picture(70, 80)).save(tmp_path / "a.png")
    made = hpcm("encode", tmp_path / "a.png", "-o", tmp_path / "a.hpc", "-m", small, "--verify", "--effort", "1")
    assert made.code == 0, made.err
    assert CodecModel.load(store.find(small)).network.config == fewer


def test_an_adapter_without_its_base(
    hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small.safetensors"
    export_model(
        small, "small", TINY, {**tiny_arrays(0), "h_in.bias": tiny_arrays(1)["h_in.bias"]}, base=store.find("tiny")
    )
    Image.fromarray(picture(70, 90)).save(tmp_path / "a.png")
    assert hpcm("encode", tmp_path / "a.png", "-o", tmp_path / "a.hpc", "--model", small).code == 0
    assert hpcm("models", "install", small).code == 0
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path / "empty"))
    for command in (("decode", tmp_path / "a.hpc"), ("encode", tmp_path / "a.png", "-m", "small", "-f")):
        failed = hpcm(*command, "-o", tmp_path / "b.png" if command[0] == "decode" else tmp_path / "b.hpc")
        assert failed.code == 14 and "builds on" in failed.err, failed.err


def test_the_newest_version_has_the_plain_name(
    hpcm: Hpcm, tiny: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 10, 9):
        export_model(own / f"x{number}.safetensors", f"mine-{number}", TINY, tiny_arrays(number))
    assert store.find("mine").name == "mine-10"
    export_model(own / "plain.safetensors", "mine", TINY, tiny_arrays(1))
    assert store.find("mine").name == "mine"


def test_a_missing_model_says_how_to_make_it(hpcm: Hpcm, tiny: Path) -> None:
    train = hpcm("models", "show", "lite-multiref-p1")
    assert train.code == 14 and "hpcm train --preset lite-multiref-p1 --init lite-8" in train.err
    official = hpcm("models", "show", "base-0.013")
    assert "hpcm models import" in official.err


def test_an_export_with_a_trellis(
    hpcm: Hpcm, tiny: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(3):
        Image.fromarray(picture(140, 150, seed=seed)).save(photos / f"{seed}.png")
    train = ("train", "--data", photos, "--init", "tiny", "--patch-size=64", "--batch-size=1", "--threads=1")
    fitted = tmp_path / "fitted.safetensors"
    assert hpcm(*train, "--out", tmp_path / "run", "--steps=1").code == 0
    made = hpcm("models", "export", tmp_path / "run", "-o", fitted, "--data", photos, "--base", "tiny", "--json")
    assert made.code == 0 and made.json[0]["distribution"]["trellis"] == "fitted to 3 pictures", made.err
    assert made.json[0]["base"] == store.find("tiny").identity.hex() and made.json[0]["name"] == "fitted"
    assert hpcm("encode", photos / "0.png", "-o", tmp_path / "a.hpc", "-m", fitted, "--verify").code == 0
    assert hpcm(*train, "--out", tmp_path / "two", "--steps=1", "--trellis", fitted).code == 0
    plain = hpcm("models", "export", tmp_path / "two", "-o", tmp_path / "plain.safetensors")
    assert plain.code == 0 and "--data" in plain.err
