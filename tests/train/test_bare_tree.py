"""Training in a source tree with torch, numpy and Pillow alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import losses

ROOT = Path(__file__).parents[2]
BLOCKED = {"click", "rich", "msgpack", "safetensors", "platformdirs"}
BLOCKED |= {f"hpcmcodec.{part}" for part in ("kernels", "formats", "cli", "codec")}

CODE = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.path.insert(0, {str(ROOT)!r})
from hpcmcodec.train.__main__ import main
sys.exit(main())
"""


def test_bare_source_tree_trains(settings: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out = tmp_path / "bare"
    arguments = ["--data", settings["data"], "--out", out, "--init", settings["init"], "--threads", 1]
    arguments += ["--batch-size", 1, "--patch-size", 64, "--log-every", 1, "--steps", 2, "--time-budget", "5m"]

    command = [sys.executable, "-c", CODE, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(losses(out)) == [1, 2]


@pytest.mark.parametrize(
    ("flag", "text", "field", "value"),
    [
        ("--lambda", "0.013", "lambda_", 0.013),
        ("--range", "0.001,0.1", "range", (0.001, 0.1)),
        ("--time-budget", "25m", "time_budget", 1500.0),
        ("--no-use-simple-weconv", "", "use_simple_weconv", False),
        ("--spectral-reg", "", "spectral_reg", True),
    ],
)
def test_options_set_the_field_that_they_name(flag: str, text: str, field: str, value: object) -> None:
    from hpcmcodec.train.__main__ import parse

    config = parse(["--data", "d", "--out", "o", "--steps", "90", flag, *([text] if text else [])])
    assert getattr(config, field) == value
