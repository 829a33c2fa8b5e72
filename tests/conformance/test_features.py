"""The tables of README.md tell what the files show, and nothing is without a file."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import branches
import features
import numpy as np
import pytest

from hpcmcodec.codec import Decoder
from hpcmcodec.formats import container
from hpcmcodec.kernels.program import operation_names
from hpcmcodec.models import store


def test_the_tables_are_those_of_the_files() -> None:
    assert features.README.read_text() == features.tables(), "run python tests/conformance/features.py"


def test_every_feature_has_a_file() -> None:
    shown = {name for path in features.files() for name in features.features(path)}
    assert shown == set(features.FEATURES)


def test_every_operation_has_a_file() -> None:
    used = set().union(*(features.operations(path) for path in features.files()))
    assert used - {"code"} == set(operation_names()) - features.UNUSED


def learned_alone(file: container.Container) -> np.ndarray:
    """The learned picture below what else a file has."""
    header = replace(file.header, alpha=False, exact_tile_size=0, most_error=None)
    tiles = [file.tile(index) for index in range(header.tiles)]
    return Decoder().decode(container.write(header, tiles)).pixels


def of_learned(place: branches.Branch) -> bool:
    """Whether a branch is about learned pictures."""
    lines = (branches.FORMATS / "reference_decoder.py").read_text().splitlines()
    entropy, whole, learned = (
        next(number for number, line in enumerate(lines, 1) if start in line)
        for start in ("7: entropy coding", "def code_points", "def learned")
    )
    return place[0] == "reference_decoder" and (entropy < place[1] < whole or place[1] >= learned)


def read_by(decoder: ModuleType, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file by the second decoder, the learned picture by the first one, which is faster."""
    file = container.read(data)
    shown = learned_alone(file) if file.header.learned else None
    monkeypatch.setattr(decoder, "learned", lambda *given: shown)
    decoder.decode(data, None if shown is None else features.FOLDER)
    decoder.code_points(data)
    fields, chunks = decoder.container(data)
    for index, payload in enumerate(payload for kind, payload in chunks if kind == 0x83):
        decoder.streams_of(fields, payload, index)


@pytest.mark.slow
def test_every_branch_of_the_second_decoder_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice of the container or of the exact coder that no file shows would be a branch never taken."""
    (_, decoder), every, taken = branches.marked("reference_exact", "reference_decoder")
    for path in features.files():
        if path.parent.name not in ("variants", "adapters") and not path.name.startswith("lite-msssim"):
            read_by(decoder, path.read_bytes(), monkeypatch)
    for path in sorted((features.FOLDER / "refused").glob("*.hpc")):
        with contextlib.suppress(decoder.Refused):
            if 2 not in decoder.container(path.read_bytes())[0]:
                decoder.decode(path.read_bytes())
    assert {place for place in every - taken if not of_learned(place)} == set()


@pytest.mark.slow
def test_every_branch_of_learned_pictures_is_taken(tmp_path: Path) -> None:
    """By a few files: trellis and rounding, escapes, all four states, tiles, one rate, steps of every size."""
    sys.path.insert(0, str(features.FOLDER / "variants"))
    from variants import write_model

    (_, decoder), every, taken = branches.marked("reference_exact", "reference_decoder")
    folder, name = store.shipped_folder(), "wavelet-p5-light"
    write_model(tmp_path, name, json.loads((features.FOLDER / "variants/models.json").read_text())[name]["config"])
    for path, model in (
        ("lite-8-odd", folder / "lite-8.safetensors"),
        ("parts/tiles", folder / "lite-8.safetensors"),
        ("lite-msssim-grey", folder / "lite-msssim.safetensors"),
        (f"variants/{name}", tmp_path / f"{name}.safetensors"),
    ):
        decoder.decode((features.FOLDER / f"{path}.hpc").read_bytes(), model)
    assert set(filter(of_learned, every - taken)) == set()
