"""Codecs as workers offer them, and the whole command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec.bench import metrics
from hpcmcodec.bench.codecs import KINDS, LOSSLESS, Unavailable, open_codec
from hpcmcodec.bench.process import Worker
from hpcmcodec.bench.worker import load
from hpcmcodec.models.store import DEFAULT_MODEL
from hpcmcodec.ssimulacra2 import ssimulacra2

from .conftest import photo

SPECS = [f"{kind}:{v}" if v else kind for kind, about in KINDS.items() for v in about.variants or ()]
SPECS = [spec for spec in SPECS if spec not in LOSSLESS] + ["hpcm", "hpcm:@1"]


@pytest.mark.parametrize("spec", SPECS)
def test_sizes_and_quality_rise_along_the_sweep(spec: str) -> None:
    try:
        codec = open_codec(spec, 1)
    except Unavailable as error:
        pytest.skip(str(error))
    picture = photo(96, 112, 1)
    ends = [codec.settings.sweep[0], codec.settings.sweep[-1]]
    assert all(codec.settings.allows(value) for value in codec.settings.sweep)
    files = [codec.encode(picture, setting) for setting in ends]
    decoded = [codec.decode(data) for data in files]
    assert len(files[0]) < len(files[1]) < picture.nbytes
    assert all(d.shape == picture.shape and d.dtype == np.uint8 for d in decoded)
    worst, best = (metrics.psnr(picture, d) for d in decoded)
    assert 15 < worst < best and best > 29
    assert codec.label and codec.version and codec.about


def test_worker_measures(shots: Path, tmp_path: Path) -> None:
    with Worker("hpcm", 1) as worker:
        picture = str(shots / "a.png")
        found = worker.ask("measure", 60, picture=picture, setting=50, repeats=2, max_pixels=10**6)
        assert found["bytes"] > 60 and 25 < found["psnr"] < 45 and found["ms_ssim"] is None
        assert found["ssimulacra2"] is None
        seen = worker.ask("measure", 60, picture=picture, setting=50, repeats=1, max_pixels=10**6, ssimulacra2=True)[
            "ssimulacra2"
        ]
        pixels = load(picture)
        decoded = np.asarray(hpcmcodec.decode(hpcmcodec.encode(pixels, 50)))
        assert seen == pytest.approx(ssimulacra2(pixels, decoded), abs=0.01)
        encode, decode = found["encode"], found["decode"]
        assert encode["seconds"] == pytest.approx(encode["network_seconds"] + encode["entropy_seconds"])
        assert 0 < encode["entropy_seconds"] < encode["network_seconds"]
        assert decode["seconds"] > 0 and decode["entropy_seconds"] is None
        for side in (encode, decode):
            assert side["runs"] == 2 and 2e7 < side["peak_bytes"] < 1e9
        refused = worker.ask("measure", 60, picture=picture, setting=50, repeats=1, max_pixels=10)
        assert "LimitExceededError" in refused["error"]
        part = tmp_path / "part.webp"
        box = [8, 4, 32, 16]
        worker.ask("crop", 60, picture=picture, setting=50, box=box, output=str(part), max_pixels=10**6)
        with Image.open(part) as image:
            assert image.size == (32, 16)


def test_effort_belongs_to_the_spec() -> None:
    codec = open_codec(f"hpcm:{DEFAULT_MODEL}@3", 1)
    assert codec.label == f"hpcm {DEFAULT_MODEL}, effort 3" and codec.version.endswith("effort 3")
    assert codec.encode(photo(64, 64, 1), 50) != open_codec("hpcm", 1).encode(photo(64, 64, 1), 50)
    for effort in ("", "10", "x"):
        with pytest.raises(Unavailable, match="choose 0 to 9"):
            open_codec(f"hpcm:@{effort}", 1)


def test_missing_model_is_told() -> None:
    with pytest.raises(Unavailable, match="nothere"):
        Worker("hpcm:nothere", 1)


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hpcmcodec", "bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | {"COLUMNS": "200"})


def test_command(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("bjontegaard")
    out = tmp_path / "report"
    specs = "hpcm,jpeg,hpcm:nothere"
    result = process(shots, "-o", out, "--codecs", specs, "--points", 4, "--repeats", 1, "--crops", 1, "--quiet")
    assert result.returncode == 0 and result.stdout == ""
    assert "hpcm:nothere is left out" in result.stderr
    content = json.loads((out / "results.json").read_text())
    assert len(content["measurements"]) == 16 and content["summary"]["anchor"] == "jpeg"
    assert content["summary"]["codecs"]["hpcm"]["distances"]["psnr"]["rate"] < 0
    assert len(list(csv.reader((out / "results.csv").read_text().splitlines()))) == 17
    assert (out / "rd-psnr.png").stat().st_size > 10**4 and (out / "time.png").exists()
    assert "data:image/webp" in (out / "report.html").read_text()
    options = ["-o", out, "--codecs", specs, "--points", 4, "--repeats", 1, "--crops", 0]
    again = process(shots / "a.png", shots / "none.png", *options)
    assert again.returncode == 3 and "none.png" in again.stderr
    assert "BD-rate PSNR" in again.stdout and "JPEG" in again.stdout
    assert len(json.loads((out / "results.json").read_text())["measurements"]) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--codecs", "gif"], 2, "no codec 'gif'"),
        (["--codecs", "jpeg", "--anchor", "webp"], 2, "anchor"),
        (["--qualities", "jpeg"], 2, "--qualities"),
        (["--codecs", "jpeg", "--qualities", "jpeg=0,1"], 2, "no setting 0"),
    ],
)
def test_unusable_options(shots: Path, tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    pytest.importorskip("bjontegaard")
    result = process(shots, "-o", tmp_path / "out", *arguments)
    assert result.returncode == code and text in result.stderr and result.stderr.startswith("hpcm: ")
