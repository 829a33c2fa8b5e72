"""Files of the networks that are not shipped decode to the recorded pixels with models made from formulas."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import variants

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder
from hpcmcodec.diagnose import pixels_hash
from hpcmcodec.models import store
from tests.levels import every_way

RECORDED: dict[str, str] = json.loads((variants.FOLDER / "pixels.json").read_text())


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variants")
    made = variants.write_models(folder)
    recorded = json.loads(variants.RECORD.read_text())
    assert {name: identity.hex() for name, identity in made.items()} == {n: m["identity"] for n, m in recorded.items()}
    return folder


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_decodes_to_the_recorded_pixels_at_every_level(
    models: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(store.ENVIRONMENT, str(models))
    data, decoder = (variants.FOLDER / name).read_bytes(), Decoder()
    for way in every_way(kernels.get_threads()):
        assert pixels_hash(decoder.decode(data)) == RECORDED[name], way


def test_every_variant_has_a_file() -> None:
    files = {path.name for path in variants.FOLDER.glob("*.hpc")}
    assert files == set(RECORDED) == {f"{name}.hpc" for name in json.loads(variants.RECORD.read_text())}
    assert {f"{name}.hpc" for name in variants.CONFIGS} <= files
