"""Options of variants on the command lines of training."""

from __future__ import annotations

from dataclasses import fields

import pytest

from hpcmcodec import errors
from hpcmcodec.cli.main import run
from hpcmcodec.models.presets import PRESETS, varied
from hpcmcodec.models.wavelet.config import OPTIONS, WaveletConfig
from hpcmcodec.train.__main__ import parse
from hpcmcodec.train.config import RunConfig
from hpcmcodec.train.options import options


def test_every_option_of_a_configuration_is_one_of_training() -> None:
    """(W12)"""
    assert OPTIONS.keys() <= {field.name for field in fields(WaveletConfig)}
    assert OPTIONS.keys() <= {option.name for _, option in options(RunConfig)}


def run_config(*words: str) -> RunConfig:
    return parse(["--data", "d", "--out", "o", "--steps", "1", *words])


def test_switches_make_the_network_that_is_trained() -> None:
    """(W12)"""
    assert run_config().network_changes == {}
    found = run_config("--skip-s3-for-hf", "--no-use-simple-weconv").network_changes
    assert found == {"skip_s3_for_hf": True, "use_simple_weconv": False}
    groups = run_config("--checkerboard-groups", "2", "--attention-heads", "4").network_changes
    assert groups == {"checkerboard_groups": 2, "attention_heads": 4}
    assert varied(PRESETS["wavelet-p5"], groups).checkerboard_groups == 2
    assert varied(PRESETS["lite"], {"checkerboard_groups": 2}) == PRESETS["lite-g2"]
    for preset in ("wavelet-p5", "lite"):
        with pytest.raises(errors.UsageError, match="checkerboard_groups"):
            varied(PRESETS[preset], {"checkerboard_groups": 3})
    made = varied(PRESETS["wavelet-p2"], found)
    assert (made.skip_s3_for_hf, made.use_simple_weconv, made.phase) == (True, False, 2)
    for preset, message in (("wavelet-p1", "use_simple_weconv is of phases 2"), ("base", "hpcm has no")):
        with pytest.raises(errors.UsageError, match=message):
            varied(PRESETS[preset], found)


def test_both_command_lines_of_training_have_the_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    """(W12, W23)"""
    words = ["--data", "d", "--out", "o", "--steps", "1", "--skip-s3-for-hf", "--no-use-simple-weconv"]
    seen: list[RunConfig] = []
    pytest.importorskip("torch")
    monkeypatch.setattr("hpcmcodec.train.run.train", lambda config, show: seen.append(config))
    assert run(["train", *words]) == 0
    assert seen == [parse(words)]
