"""`--preset` with `--init` of a plain network: additions that start as identities leave its loss to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.registry import build
from hpcmcodec.train.config import RunConfig
from hpcmcodec.train.run import train
from tests.codec.conftest import TINY, tiny_arrays

from .conftest import losses, quiet

WIDE = replace(TINY, context_widths=(32, 64))
MEMORIES = {
    "lite-multiref-p1": MemoryConfig(phase=1, value_ratio=2),
    "lite-multiref-p2": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2),
    "lite-multiref-p3": MemoryConfig(phase=3, max_refs=(2, 3, 4), topk=0, transfer_refs=2, compress_ratio=1),
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain model whose context is wide enough for heads."""
    path = tmp_path_factory.mktemp("wide") / "wide.safetensors"
    arrays = build(WIDE).initial(0)
    same = {name: array for name, array in tiny_arrays(3).items() if arrays[name].shape == array.shape}
    export_model(path, "wide", WIDE, {**arrays, **same}, storage=exact)
    return path


def losses_of(settings: dict[str, Any], **more: Any) -> dict[int, float]:
    train(RunConfig(**{**settings, "steps": 3, "warmup": 1, **more}), quiet)
    return losses(more["out"])


def test_a_memory_bank_starts_at_the_plain_networks_loss(
    settings: dict[str, Any], wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = losses_of(settings, init=str(wide), out=tmp_path / "plain")
    for name, memory in MEMORIES.items():
        monkeypatch.setitem(PRESETS, name, replace(WIDE, memory=memory))
        found = losses_of(settings, init=str(wide), preset=name, out=tmp_path / name, lr=0.05)
        assert found[1] == plain[1]
        assert found[3] != plain[3]
