"""The folder for a rented machine, and the plot of a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")  # what a run writes, and its plot reads, belongs to training

from hpcmcodec.errors import OutputError
from hpcmcodec.train.pack import pack
from hpcmcodec.train.plot import curves, draw, plot
from tests.codec.conftest import picture

from .conftest import losses


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_packed_folder_trains_by_itself(settings: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out = tmp_path / "bundle"
    found = pack(settings["data"], out, 60 << 20, valid=settings["data"], init=Path(settings["init"]))
    assert found == {"pictures": 7, "left_out": 0, "quality": 0} and size(out) < 60 << 20
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(out)!r}); " + RUN]
    command += ["--data", out / "train", "--out", out / "run", "--init", out / "start.safetensors", "--steps", "2"]
    command += ["--batch-size", "1", "--patch-size", "64", "--log-every", "1", "--threads", "1", "--split-mb", "15"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(losses(out / "run")) == [1, 2] and list((out / "run").glob("last.pt.*"))


RUN = "import hpcmcodec.train.__main__ as m; assert 'bundle' in m.__file__; sys.exit(m.main())"


def test_pictures_are_made_smaller_or_left_out(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        noise = rng.integers(0, 60, (96, 96, 3), dtype=np.uint8)
        Image.fromarray(noise // 2 + picture(96, 96, seed=i) // 2).save(source / f"{i}.png")
    whole = pack(source, tmp_path / "all", 60 << 20)
    assert whole["quality"] == 0
    fixed = size(tmp_path / "all" / "hpcmcodec")
    pictures = size(tmp_path / "all" / "train")
    smaller = pack(source, tmp_path / "smaller", fixed + pictures * 3 // 4)
    assert smaller["quality"] > 0 and size(tmp_path / "smaller") <= fixed + pictures * 3 // 4
    few = pack(source, tmp_path / "few", fixed + pictures // 10)
    assert few["left_out"] > 0 and size(tmp_path / "few") <= fixed + pictures // 10
    with pytest.raises(OutputError, match="exceed --limit-mb"):
        pack(source, tmp_path / "none", 1000)
    with pytest.raises(OutputError, match="exists"):
        pack(source, tmp_path / "few", 60 << 20)


def test_curves_of_a_run(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"step": 0, "seconds": 0.0, "valid": {"yardstick": 0.9}}]
    lines += [{"step": s, "seconds": 36.0 * s, "loss": 1 / (1 + s)} for s in range(1, 40)]
    lines += [{"step": 39, "seconds": 1404.0, "valid": {"yardstick": 0.7}}]
    found = curves(lines)
    assert found["validation"] == [(0.0, 0.9), (0.39, 0.7)] and len(found["loss"]) == 39
    assert found["loss"][0] == (0.01, 0.5) and found["loss"][1][1] == pytest.approx((1 / 2 + 1 / 3) / 2)
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    plot(tmp_path)
    root = ElementTree.fromstring((tmp_path / "metrics.svg").read_text())
    lines_drawn = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines_drawn) == 2 and len(lines_drawn[0].attrib["points"].split()) == 39
    ElementTree.fromstring(draw({}))
