"""The kit of variant checks on the plain networks: what a variant is compared with; and settings in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import variant_kit as kit

from hpcmcodec import errors
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.formats.header import Header
from hpcmcodec.models import store
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


@dataclass(frozen=True)
class Flexible(LiteConfig):
    family: ClassVar[str] = "lite"
    topk: int = 2


class FlexibleNetwork(Lite):
    adjustable = frozenset({"topk"})

    @property
    def settings(self) -> dict[str, Any]:
        return {"topk": self.config.topk, "phase": 1}


@pytest.mark.parametrize(("given", "fits"), [({}, True), ({"topk": 2, "phase": 1}, True), ({"phase": 2}, False)])
def test_settings_of_a_file_must_be_the_networks(given: dict[str, Any], fits: bool) -> None:
    network = FlexibleNetwork(Flexible())
    if fits:
        assert network.with_settings(given) is network
    else:
        with pytest.raises(errors.CorruptError, match="phase is 2"):
            network.with_settings(given)


def test_a_plain_model_refuses_settings(tmp_path: Path) -> None:
    kit.install(tmp_path, "plain", TINY)
    model = CodecModel.load(store.find(tmp_path / "plain.safetensors"))
    header = Header(64, 64, "plain", model.identity[:8], quality=50)
    assert model.suited_to(header).network is model.network
    with pytest.raises(errors.CorruptError, match="has no topk"):
        model.suited_to(Header(64, 64, "plain", model.identity[:8], quality=50, settings={"topk": 2}))
    with pytest.raises(errors.CorruptError, match="family"):
        model.suited_to(Header(64, 64, "plain", model.identity[:8], quality=50, family="multiref"))
