"""Settings of networks by options, and options by the names that other scripts have for them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402

from hpcmcodec.cli import train as train_command  # noqa: E402
from hpcmcodec.codec import Decoder, Encoder  # noqa: E402
from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.formats.picture import Picture  # noqa: E402
from hpcmcodec.models.export import export_model  # noqa: E402
from hpcmcodec.models.multiref.config import MemoryConfig  # noqa: E402
from hpcmcodec.models.presets import PRESETS, varied  # noqa: E402
from hpcmcodec.models.registry import build  # noqa: E402
from hpcmcodec.train import __main__ as bare  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from tests.codec.conftest import TINY, picture  # noqa: E402

from .conftest import quiet  # noqa: E402


def network_of(arguments: list[str], preset_name: str = "lite-multiref-p2") -> Any:
    changes = bare.parse(["--data=x", "--out=y", "--steps=1", *arguments]).network_changes
    return varied(PRESETS[preset_name], changes)


def test_settings_of_the_bank() -> None:
    memory = network_of(["--max-refs", "3", "--topk-refs=2", "--temperature=0.01", "--transfer-refs=1"]).memory
    assert (memory.max_refs, memory.topk, memory.transfer_refs) == ((3, 3, 3), 2, 1)
    assert memory.temperature == np.float32(0.01)
    assert network_of(["--max-refs=0,2,4"]).memory.max_refs == (0, 2, 4)
    assert network_of(["--max-refs=2"], "lite-multiref-p1").memory.max_refs == (0, 0, 2)
    assert network_of(["--compress-ratio=8"], "multiref-p1").memory.compress_ratio == 8
    with pytest.raises(UsageError, match="no memory bank"):
        network_of(["--max-refs=2"], "lite")
    with pytest.raises(UsageError, match="topk"):
        network_of(["--topk-refs=7"])
    with pytest.raises(UsageError, match="temperature"):
        network_of(["--temperature=0.001"])
    with pytest.raises(UsageError, match="has no memory"):
        network_of(["--max-refs=2"], "wavelet-p1")


def test_the_lowest_temperature_is_a_model_that_loads(tmp_path: Path) -> None:
    config = varied(replace(TINY, memory=MemoryConfig()), {"memory": {"temperature": 0.01}})
    path = tmp_path / "cold.safetensors"
    export_model(path, "cold", config, build(config).initial(1))
    encoded = Encoder(path).encode(Picture(picture(64, 64)))
    decoder = Decoder(model=path)
    assert decoder.decode(encoded).pixels.shape == (64, 64, 3)


def test_names_of_other_scripts() -> None:
    given = ["--train_dataset=x", "--save-path", "y", "--epochs"]
    with pytest.raises(UsageError, match="--steps"):
        bare.parse([*given, "3"])
    arguments = ["--train_dataset=x", "--save-path", "y", "--learning-rate", "1e-5", "--lr_warmup=7", "--steps=2"]
    arguments += ["--num_checkerboard_groups", "4", "--freeze-except", "ctx_b|memory"]
    config = bare.parse(arguments)
    assert (config.data, config.out, config.lr, config.warmup) == (Path("x"), Path("y"), 1e-5, 7)
    assert config.checkerboard_groups == 4
    assert config.freeze is not None and re.search(config.freeze, "g_a.x") and not re.search(config.freeze, "ctx_b.x")
    assert CliRunner().invoke(train_command.command, ["--data=x", "--out=y", "--epochs=3"]).exit_code != 0


@pytest.mark.parametrize("option", [{"freeze": "nosuchname"}, {"rates": (("nosuchname", 1e-5),)}, {"freeze": "."}])
def test_patterns_that_match_nothing_or_all(settings: dict[str, Any], option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"no parameter matches 'nosuchname'; the parts are .*ctx_a|nothing to train"):
        train(RunConfig(**settings, steps=1, **option), quiet)


def test_the_correlation_is_logged(settings: dict[str, Any]) -> None:
    config = {**settings, "patch_size": 128, "batch_size": 4, "steps": 2, "inter_scale_start": 0}
    train(RunConfig(**config, inter_scale_reg=True), quiet)
    lines = [json.loads(line) for line in (settings["out"] / "metrics.jsonl").read_text().splitlines()]
    assert [0 <= line["inter_scale"] <= 1 for line in lines if "loss" in line] == [True, True]


def test_bands_are_not_nested_scales(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="nested scales"):
        train(RunConfig(**{**settings, "init": None}, preset="lite-wavelet", steps=1, inter_scale_reg=True), quiet)
