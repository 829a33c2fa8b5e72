"""Codecs that lose nothing: measured, checked, and in a table of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec.bench import worker
from hpcmcodec.bench.codecs import LOSSLESS, Unavailable, open_codec
from hpcmcodec.bench.codecs.base import NOTHING_TO_SET, Codec
from hpcmcodec.bench.results import Measurement, PictureFile
from hpcmcodec.bench.summary import summarise
from hpcmcodec.cli.main import run

from .conftest import photo


@pytest.mark.parametrize("spec", LOSSLESS)
def test_nothing_is_lost(spec: str) -> None:
    try:
        codec = open_codec(spec, 1)
    except Unavailable as error:
        pytest.skip(str(error))
    picture = photo(96, 112, 1)
    data = codec.encode(picture, codec.settings.sweep[0])
    assert np.array_equal(codec.decode(data), picture) and len(data) < picture.nbytes
    assert codec.settings.lossless and codec.settings.points(7) == (0,)
    assert codec.label and codec.version and codec.about


class Liar(Codec):
    """Says that it loses nothing, and changes a sample."""

    label = version = about = "liar"
    settings = NOTHING_TO_SET

    def encode(self, pixels: np.ndarray, setting: float) -> bytes:
        self.pixels = pixels.copy()
        self.pixels[-1, -1, -1] ^= 1
        return b"x"

    def decode(self, data: bytes) -> np.ndarray:
        return self.pixels


def test_a_loss_is_an_error(shots: Path) -> None:
    with pytest.raises(ValueError, match="says that it loses nothing"):
        worker.measure(Liar(), str(shots / "a.png"), 0, 1, 10**6)


def pictures(count: int) -> list[PictureFile]:
    return [PictureFile(Path(f"{k}.png"), f"{k}.png", f"{k}", 100, 80) for k in range(count)]


def measured(spec: str, sizes: dict[str, int | None]) -> list[Measurement]:
    side = {"seconds": 0.5, "cpu_seconds": 0.5, "network_seconds": None, "entropy_seconds": None, "peak_bytes": 7}
    fixed: dict[str, Any] = {"codec": spec, "version": "1", "setting": 0, "threads": 1, "repeats": 1}
    return [
        Measurement(picture, **fixed, bytes=size, psnr=99.0, encode=side, decode=side, error=None if size else "oh")
        for picture, size in sizes.items()
    ]


def test_summary() -> None:
    """Bytes of all pictures together against the first that is not hpcm; a codec that failed on one is left out."""
    found = [
        *measured("hpcm:lossless", {"0": 900, "1": 1800, "2": 2700}),
        *measured("png", {"0": 1000, "1": 2000, "2": 3000}),
        *measured("webp:lossless", {"0": 500, "1": None, "2": 500}),
    ]
    summary = summarise(found, pictures(3), [], "", 50, ["hpcm:lossless", "png", "webp:lossless"])
    ours, png = summary["lossless"]["hpcm:lossless"], summary["lossless"]["png"]
    assert list(summary["lossless"]) == ["hpcm:lossless", "png"] and not summary["codecs"]
    assert ours["bytes"] == 5400 and ours["bpp"] == pytest.approx(8 * 5400 / 24000)
    assert ours["more"] == pytest.approx(-10) and ours["interval"] == pytest.approx([-10, -10])
    assert "more" not in png and png["decode"]["seconds"] == pytest.approx(1.5 / 0.024)


def test_command(shots: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Alone, and beside a codec that has qualities: then the page has both tables."""
    alone, both = tmp_path / "alone", tmp_path / "both"
    few = ["--repeats", "1", "--no-pin", "--crops", "0"]
    assert run(["bench", str(shots), "-o", str(alone), "--lossless", *few]) == 0
    said = capfd.readouterr().out
    assert re.search(r"^hpcm lossless +\d+ +[\d.]+ +[+-][\d.]+ %", said, re.M) and "PNG " in said
    content = json.loads((alone / "results.json").read_text())
    assert set(content["summary"]["lossless"]) == set(LOSSLESS) and content["summary"]["anchor"] is None
    run(["bench", str(shots), "-o", str(both), "--codecs", "jpeg,png", "--points", "4", *few])
    summary = json.loads((both / "results.json").read_text())["summary"]
    assert list(summary["lossless"]) == ["png"] and summary["anchor"] == "jpeg"
    assert run(["bench", str(shots), "-o", str(both), "--codecs", "jpeg,png", "--anchor", "png", *few]) == 2
    assert "png loses nothing" in capfd.readouterr().err
