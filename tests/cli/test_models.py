"""`hpcm models`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcmcodec.models import store

from .storing import Hpcm


def test_list(hpcm: Hpcm, tiny: Path) -> None:
    result = hpcm("models", "list")
    head, *rows = result.out.splitlines()
    assert result.code == 0 and head.split() == ["name", "family", "parameters", "size", "identity", "file"]
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
    assert result.code == 3 and result.err.count("\n") == 1
    assert hpcm("models", "import", tmp_path / "x.pth", "--preset", "huge").code == 2
