"""Files that version 1 wrote decode to the recorded pixels, at every SIMD level: of the models that the package brings
and, in `superseded`, of those that were the default before 0.1.0, which lie beside their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from make import CASES

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder
from hpcmcodec.diagnose import RECORD, pixels_hash
from hpcmcodec.formats import model_file
from hpcmcodec.models import store

FOLDERS = [Path(__file__).parent]
if (FOLDERS[0] / "superseded").is_dir():  # not in the sdist, which would be too large
    FOLDERS.append(FOLDERS[0] / "superseded")
RECORDED = {
    (folder, name): pixels for folder in FOLDERS for name, pixels in json.loads((folder / RECORD).read_text()).items()
}


@pytest.fixture(params=kernels.available_levels())
def level(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """Every level that this machine has."""
    before = kernels.simd_level()
    kernels.set_simd_level(request.param)
    yield request.param
    kernels.set_simd_level(before)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """One decoder for all files: a model is loaded once."""
    return Decoder()


@pytest.mark.parametrize(("folder", "name"), sorted(RECORDED), ids=lambda part: getattr(part, "name", part))
def test_decodes_to_the_recorded_pixels(
    folder: Path, name: str, level: str, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.ENVIRONMENT, str(folder))
    assert pixels_hash(decoder.decode((folder / name).read_bytes())) == RECORDED[folder, name]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_recorded(folder: Path) -> None:
    assert {(folder, path.name) for path in folder.glob("*.hpc")} == {key for key in RECORDED if key[0] == folder}


def test_every_shipped_model_has_its_files() -> None:
    shipped = [model_file.peek(path).name for path in store.shipped_folder().glob(f"*{store.SUFFIX}")]
    assert store.DEFAULT_MODEL in shipped
    assert {name for folder, name in RECORDED if folder == FOLDERS[0]} == {
        f"{model}-{case}.hpc" for model in shipped for case in CASES
    }
