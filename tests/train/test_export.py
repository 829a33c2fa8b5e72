"""From a run to a model file that the codec uses, on both command lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402

from hpcmcodec import decode, encode  # noqa: E402
from hpcmcodec.cli import models as models_command  # noqa: E402
from hpcmcodec.cli import train as train_command  # noqa: E402
from hpcmcodec.errors import OutputError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.models.export import export_model  # noqa: E402
from hpcmcodec.train import __main__ as bare  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.export import export_run  # noqa: E402
from hpcmcodec.train.initial import from_model, read_bare  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from tests.codec.conftest import TINY, picture, tiny_arrays  # noqa: E402

from .conftest import quiet  # noqa: E402


def test_exported_run_encodes_and_decodes(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(RunConfig(**settings, steps=2, seed=5), quiet)
    path = tmp_path / "models" / "mine.safetensors"
    path.parent.mkdir()
    identity = export_run(settings["out"], path)
    file = model_file.read(path)
    assert file.identity == identity and file.name == "mine" and file.provenance["steps"] == 2
    assert file.provenance["seed"] == 5 and file.provenance["data"]["pictures"] == 6
    assert file.provenance["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(file.provenance)
    average = checkpoint.load(settings["out"])["average"]
    np.testing.assert_array_equal(file.tensors["h_in.bias"], average["h_in.bias"].numpy())

    monkeypatch.setenv("HPCM_MODELS", str(path.parent))
    source = picture(70, 90)
    decoded = decode(encode(source, quality=50, model="mine"))
    assert np.asarray(decoded).shape == source.shape
    with pytest.raises(OutputError, match="--force"):
        export_run(settings["out"], path)


def test_command_lines(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runner, out = CliRunner(), tmp_path / "cli"
    arguments = [f"--data={settings['data']}", f"--out={out}", f"--init={settings['init']}", "--steps=1"]
    arguments += ["--batch-size=1", "--patch-size=64", "--log-every=1", "--threads=1", "--time-budget=5m"]
    done = runner.invoke(train_command.command, arguments)
    assert done.exit_code == 0 and json.loads(done.output.splitlines()[-1])["step"] == 1
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    assert bare.main() == 2 and "--resume" in capsys.readouterr().err  # the same options, and an error as one line
    target = tmp_path / "x.safetensors"
    done = runner.invoke(models_command.command, ["export", str(out), "-o", str(target), "--name", "y", "--json"])
    assert done.exit_code == 0 and json.loads(done.output)["name"] == "y"
    assert runner.invoke(train_command.command, ["--data=x", "--out=y", "--steps=many"]).exit_code == 2


def test_reader_without_packages_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    wide = tiny_arrays(0)
    export_model(path, "m", TINY, wide)  # int8 with factors, half precision, and small float32 tensors
    config, arrays, identity = read_bare(path)
    expected = model_file.read(path)
    assert config == expected.config and identity == expected.identity.hex() and arrays.keys() == set(expected.tensors)
    assert {entry[0] for entry in _entries(path).values()} >= {"F32", "F16", "I8"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected.tensors[name])
    assert from_model(str(path)).config == TINY


def _entries(path: Path) -> dict[str, Any]:
    """The manifest's list of tensors."""
    head = path.read_bytes()
    length = int.from_bytes(head[:8], "little")
    entries: dict[str, Any] = json.loads(json.loads(head[8 : 8 + length])["__metadata__"]["hpcmcodec"])["tensors"]
    return entries
