"""The kit of variant checks on the plain networks, which variants are compared with."""

from __future__ import annotations

from pathlib import Path

import pytest
import variant_kit as kit

from hpcmcodec import errors
from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.models.presets import PRESETS, preset
from tests.codec.conftest import TINY
from tests.codec.conftest import picture as make_picture

COSTS = {"lite": (11849648, 61.46), "base": (68505299, 911.84), "large": (89718803, 1254.60), "phi": (63582419, 872.79)}
"""Parameters, kMAC/px. base: 918.56 of the official code less 6.72 for the attention of the last step, never used."""


@pytest.mark.parametrize("name", COSTS)
def test_costs(name: str) -> None:
    kit.check_cost(PRESETS[name], *COSTS[name])


def test_presets_are_found_by_name() -> None:
    assert preset("lite") == LiteConfig()
    with pytest.raises(errors.UsageError, match="choose one of lite"):
        preset("none")


def test_the_kit_on_lite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.install(tmp_path, "plain", TINY)
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    kit.check_exact("plain", kit.Picture(make_picture(70, 90), None))
    kit.check_backends_agree(TINY)
    assert kit.dead_after_a_step(TINY, kit.formula_weights(Lite(TINY)), 64) == set()
