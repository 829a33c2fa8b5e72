"""Window attention in lite's context: backends, files, what is added, and that it begins closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec.codec.inspect import info
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.lite import Lite
from tests.codec.conftest import TINY
from tests.codec.conftest import picture as pixels

CONFIG = replace(TINY, attention=1)


def test_files_are_exact_at_every_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.install(tmp_path, "attention", CONFIG)
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    assert info(kit.check_exact("attention", Picture(pixels(70, 150), None))).model == "attention"


def test_backends_agree_and_every_parameter_is_trained() -> None:
    kit.check_backends_agree(CONFIG)
    assert kit.dead_after_a_step(CONFIG, kit.formula_weights(Lite(CONFIG)), 256) == set()


def test_one_block_is_added_behind_those_of_scale_3_and_is_closed() -> None:
    plain, added = Lite(TINY).specs(), Lite(CONFIG).specs()
    new = added.keys() - plain.keys()
    assert plain.keys() < added.keys()
    assert new and all(name.startswith("ctx_b.blocks.1.") for name in new)
    gamma = added["ctx_b.blocks.1.gamma"]
    assert not np.any(gamma.init(np.random.default_rng(0), gamma.shape))
