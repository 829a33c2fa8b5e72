"""The doctor's findings about models."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcmcodec.diagnose import diagnose
from hpcmcodec.models.export import export_model

from .codec.conftest import TINY, tiny_arrays


def test_damaged_models_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("sound", "weights", "head"):
        export_model(tmp_path / f"{name}.safetensors", name, TINY, tiny_arrays(0))
    for name, position in (("weights", -8), ("head", 30)):
        path = tmp_path / f"{name}.safetensors"
        data = bytearray(path.read_bytes())
        data[position] ^= 0x55
        path.write_bytes(data)
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    empty = tmp_path_factory.mktemp("empty")
    checks = {check.name: check for check in diagnose(empty)}
    assert checks["model sound"].status == "ok"
    assert checks["model weights"].status == "failed" and "hash" in checks["model weights"].detail
    assert "model head" not in checks and "passed over" in checks["model file head.safetensors"].detail


def test_an_installation_as_it_comes_is_sound(tmp_path: Path) -> None:
    (tmp_path / "pixels.json").write_text("{}")
    checks = list(diagnose(tmp_path))
    assert [check for check in checks if check.status == "failed"] == []
    assert {"model lite-8", "model lite-g2-1"} <= {check.name for check in checks if check.status == "ok"}
