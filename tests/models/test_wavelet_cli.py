"""Settings of models' variants on the command line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import variant_kit as kit
from PIL import Image
from wavelet_configs import CHOICE, CONFIGS, small

from hpcmcodec import errors, info
from hpcmcodec.cli.main import run
from hpcmcodec.cli.variants import SWITCHES
from hpcmcodec.models.presets import PRESETS, varied
from hpcmcodec.models.wavelet.config import FLAGS, WaveletConfig
from hpcmcodec.train.__main__ import parse
from hpcmcodec.train.config import RunConfig
from hpcmcodec.train.options import options
from tests.codec.conftest import picture


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture, with a model that leaves a flag to the encoder and two that do not."""
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    for name, config in (("choice", CHOICE), ("p1", CONFIGS["p1"]), ("p2", CONFIGS["p2"])):
        kit.install(tmp_path, name, config)
    Image.fromarray(picture(40, 50)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_every_flag_of_a_configuration_has_a_switch() -> None:
    """(W12)"""
    own = {field.name for field in fields(WaveletConfig)}
    assert own & FLAGS.keys() <= SWITCHES.keys()
    assert SWITCHES.keys() <= {option.name for _, option in options(RunConfig)}


def run_config(*words: str) -> RunConfig:
    return parse(["--data", "d", "--out", "o", "--steps", "1", *words])


def test_switches_make_the_network_that_is_trained() -> None:
    """(W12)"""
    assert run_config().network_changes == {}
    found = run_config("--skip-s3-for-hf", "--no-use-simple-weconv").network_changes
    assert found == {"skip_s3_for_hf": True, "use_simple_weconv": False}
    groups = run_config("--checkerboard-groups", "2", "--attention-heads", "4").network_changes
    assert groups == {"checkerboard_groups": 2, "attention_heads": 4}
    assert varied(PRESETS["wavelet-p5"], groups).settings["checkerboard_groups"] == 2
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


@pytest.mark.parametrize("words", [["--skip-s3-for-hf"], ["--skip_s3_for_hf"]], ids=lambda words: words[0])
def test_a_switch_that_the_model_leaves_open(photo: Path, words: list[str]) -> None:
    """Hyphens or underscores; `--no-` is the other value (W6)."""
    found = {}
    for name, more in (("on", words), ("off", [words[0].replace("--", "--no-")]), ("own", [])):
        file = photo.with_name(f"{name}.hpc")
        assert run(["encode", str(photo), "--model", "choice", "-o", str(file), *more]) == 0
        found[name] = file.read_bytes()
    assert info(found["on"]).settings["wavelet_flags"] == 16 and found["on"] != found["off"] == found["own"]


@pytest.mark.parametrize(
    ("model", "word", "message"),
    [
        ("p1", "--skip-s3-for-hf", "trained with skip_s3_for_hf off"),
        ("p1", "--use-simple-weconv", "phase 1 has no use_simple_weconv"),
        ("p2", "--no-use-simple-weconv", "trained with use_simple_weconv on"),
        ("lite-msssim", "--skip-s3-for-hf", "model 'lite-msssim' has no skip_s3_for_hf"),
    ],
)
def test_contradictions_are_refused(
    photo: Path, capfd: pytest.CaptureFixture[str], model: str, word: str, message: str
) -> None:
    """(W12)"""
    assert run(["encode", str(photo), "--model", model, word]) == errors.UsageError.exit_code
    assert message in capfd.readouterr().err
    assert not photo.with_suffix(".hpc").exists()


def test_groups_are_a_choice(photo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = photo.parent
    kit.install(folder, "free", small("wavelet-p5", choices=("checkerboard_groups",)))
    assert run(["encode", str(photo), "--model", "free", "--checkerboard-groups", "2"]) == 0
    assert info(photo.with_suffix(".hpc").read_bytes()).settings["checkerboard_groups"] == 2
    words = ["--checkerboard-groups", "2", "--force"]
    assert run(["encode", str(photo), "--model", "p1", *words]) == errors.UsageError.exit_code
    assert "model 'p1' has no checkerboard_groups" in capfd.readouterr().err


def test_what_the_model_is_anyway_may_be_said(photo: Path) -> None:
    for word in ("--use-simple-weconv", "--no-skip-s3-for-hf"):
        assert run(["encode", str(photo), "--model", "p2", word, "--force"]) == 0
