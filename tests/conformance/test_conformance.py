"""Files of the models that the package brings decode to the recorded pixels, at every SIMD level."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make import CASES

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder
from hpcmcodec.diagnose import RECORD, pixels_hash
from hpcmcodec.formats import container, model_file
from hpcmcodec.models import store

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "formats"))
import reference_decoder  # noqa: E402

RECORDED: dict[str, str] = json.loads((FOLDER / RECORD).read_text())


def recorded(folder: str) -> dict[str, str]:
    """What a folder below this one records, by path."""
    return {f"{folder}/{name}": found for name, found in json.loads((FOLDER / folder / RECORD).read_text()).items()}


DEEP = recorded("deep")
"""Of more than 8 bits, which not every user of the decoder has."""
ADAPTERS = recorded("adapters")
"""Of models that need another one."""
PARTS = recorded("parts")
"""With metadata, tiles, flat blocks and what later versions may add."""


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


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_decodes_to_the_recorded_pixels(name: str, level: str, decoder: Decoder) -> None:
    assert pixels_hash(decoder.decode((FOLDER / name).read_bytes())) == RECORDED[name]


def test_every_file_is_recorded() -> None:
    assert {path.name for path in FOLDER.glob("*.hpc")} == RECORDED.keys()


def test_every_shipped_model_has_its_files() -> None:
    models = [model_file.peek(path) for path in store.shipped_folder().glob(f"*{store.SUFFIX}")]
    shipped = [model.name for model in models if model.base is None]
    assert store.DEFAULT_MODEL in shipped
    assert {f"adapters/{model.name}.hpc" for model in models if model.base is not None} == ADAPTERS.keys()
    learned = {name for name in RECORDED if not name.startswith("exact-")}
    assert learned == {f"{model}-{case}.hpc" for model in shipped for case in CASES}


@pytest.mark.parametrize("name", sorted(DEEP))
def test_deep_files_decode_to_the_recorded_pixels(name: str, decoder: Decoder) -> None:
    decoded = decoder.decode((FOLDER / name).read_bytes())
    assert decoded.depth > 8 and pixels_hash(decoded) == DEEP[name]


def _is_learned(name: str) -> bool:
    return container.read((FOLDER / name).read_bytes()).header.learned


def _second() -> list[Any]:
    """Files for the second decoder; learned pictures take it long."""
    names = sorted([*DEEP, *PARTS, *(name for name in RECORDED if name.startswith("exact-"))])
    return [pytest.param(name, marks=pytest.mark.slow) if _is_learned(name) else name for name in names]


@pytest.mark.parametrize("name", _second())
def test_the_second_decoder_agrees(name: str, decoder: Decoder) -> None:
    """The one that was written from the text alone."""
    data = (FOLDER / name).read_bytes()
    decoded = decoder.decode(data)
    wanted = decoded.pixels if decoded.alpha is None else np.dstack((decoded.pixels, decoded.alpha))
    model = store.shipped_folder() / f"lite-8{store.SUFFIX}" if _is_learned(name) else None
    np.testing.assert_array_equal(reference_decoder.decode(data, model), wanted)
    assert reference_decoder.code_points(data) == decoded.cicp


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_files_of_adapters_decode_to_the_recorded_pixels(name: str, level: str, decoder: Decoder) -> None:
    assert pixels_hash(decoder.decode((FOLDER / name).read_bytes())) == ADAPTERS[name]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_files_with_other_parts_decode_to_the_recorded_pixels(name: str, level: str, decoder: Decoder) -> None:
    assert pixels_hash(decoder.decode((FOLDER / name).read_bytes())) == PARTS[name]


def test_every_file_of_a_folder_is_recorded() -> None:
    for folder, files in (("deep", DEEP), ("adapters", ADAPTERS), ("parts", PARTS)):
        assert {f"{folder}/{path.name}" for path in (FOLDER / folder).glob("*.hpc")} == files.keys()
