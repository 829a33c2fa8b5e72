"""RWKV blocks in lite's context: sizes, both backends, files, limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import variant_kit as kit

from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.inspect import info
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.config import from_dict, to_dict
from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.rwkv.config import RwkvConfig
from tests.codec.conftest import TINY
from tests.codec.conftest import picture as pixels

COSTS = {"lite-rwkv-p1": (11759736, 60.902), "lite-rwkv-p2": (11704192, 60.829)}
"""Parameters as trained, kMAC/px as coded; lite itself has 11 849 648 and 61.46."""
RATES = RwkvConfig(cell_rates=(1, 1, 2), windows=(4, 4, 8))
CONFIGS = {
    "p1": replace(TINY, rwkv=RATES),
    "p2-cross": replace(TINY, rwkv=replace(RATES, phase=2, scan="cross")),
    "added": replace(TINY, rwkv=replace(RATES, added=1)),
}


@pytest.mark.parametrize("name", COSTS)
def test_costs_stay_within_those_of_lite(name: str) -> None:
    kit.check_cost(PRESETS[name], *COSTS[name])
    assert COSTS[name][1] < 61.46


@pytest.mark.parametrize("name", CONFIGS)
def test_files_are_exact_at_every_level(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.install(tmp_path, name, CONFIGS[name])
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    assert info(kit.check_exact(name, Picture(pixels(70, 150), None))).model == name


@pytest.mark.parametrize("name", CONFIGS)
def test_backends_agree_and_every_parameter_is_trained(name: str) -> None:
    kit.check_backends_agree(kit.exported(CONFIGS[name]))
    assert kit.dead_after_a_step(CONFIGS[name], kit.formula_weights(Lite(CONFIGS[name])), 256) == set()


def test_only_the_blocks_are_replaced() -> None:
    plain, p1, p2, added = (set(Lite(config).specs()) for config in (TINY, *CONFIGS.values()))
    assert added > plain and all(n.startswith("ctx_b.blocks.1.") for n in added - plain)
    replaced = ("ctx_b.blocks.", "ctx_a.blocks.")
    assert {n for n in p1 if not n.startswith(replaced[:1])} == {n for n in plain if not n.startswith(replaced[:1])}
    assert {n for n in p2 if not n.startswith(replaced)} == {n for n in plain if not n.startswith(replaced)}


@pytest.mark.parametrize(
    "change",
    [
        {"rwkv": RwkvConfig(phase=3, cell_rates=(1, 1, 1), windows=(4, 4, 8))},
        {"rwkv": RwkvConfig()},
        {"rwkv": replace(RATES, windows=(4, 8, 8))},
        {"rwkv": RATES, "memory": MemoryConfig(phase=1)},
        {"rwkv": RATES, "checkerboard_groups": 4},
    ],
)
def test_what_lite_has_no_place_for(change: dict[str, Any]) -> None:
    with pytest.raises(errors.ModelFileError, match="rwkv in lite"):
        replace(TINY, **change)


def test_configurations_survive_json() -> None:
    for config in (*CONFIGS.values(), *(PRESETS[name] for name in COSTS)):
        assert from_dict(LiteConfig, to_dict(config)) == config


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTS)
def test_full_size_files_are_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.install(tmp_path, name, PRESETS[name])
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    data = Encoder(name).encode(Picture(pixels(60, 100), None))
    assert Decoder().decode(data).pixels.shape == (60, 100, 3)
