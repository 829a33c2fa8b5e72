"""Crops at matched sizes, the report as a page and in a browser, plots, published curves."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hpcmcodec.bench.codecs import Settings
from hpcmcodec.bench.crops import Scene, liveliest, make_scenes, nearest_setting
from hpcmcodec.bench.plots import write_plots
from hpcmcodec.bench.published import published_curves
from hpcmcodec.bench.report import write_report
from hpcmcodec.bench.results import PictureFile, Results
from hpcmcodec.bench.summary import summarise
from hpcmcodec.bench.sweep import Options, read_pictures

from . import test_sweep
from .conftest import photo

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SPECS = ("good", "large")


def measured(shots: Path, specs: Sequence[str] = SPECS) -> tuple[Results, list[PictureFile]]:
    """Results of fake codecs on two pictures, with a summary."""
    results = Results()
    steps = test_sweep.run(shots, results, *specs)
    pictures = read_pictures(sorted(shots.iterdir()), 10**6, lambda path, error: None)
    results.run = {"threads": 1, "repeats": 1, "codecs": list(specs), "busy": None, "date": "2026-01-01"}
    results.run |= {"processor": "one", "processors": 1, "pinned": [3, 5], "load": {"before": 0.25, "after": 1.125}}
    results.summary = summarise([step.measurement for step in steps], pictures, specs, specs[0], draws=9)
    return results, pictures


def scenes_of(shots: Path, results: Results, pictures: list[PictureFile], specs: Sequence[str] = SPECS) -> list[Scene]:
    options = Options(tuple(specs), repeats=1, max_pixels=10**6)
    return make_scenes(pictures, list(results), specs, options, results, shots.parent, worker=test_sweep.fake)


def test_crops_are_made_once_and_of_nearly_the_same_bytes(shots: Path) -> None:
    results, pictures = measured(shots)
    scenes = scenes_of(shots, results, pictures)
    assert [scene.picture for scene in scenes] == pictures and len(scenes[0].shots) == 2
    for scene in scenes:
        with Image.open(scene.original) as image:
            assert image.size == scene.box[2:]
        for target, found in scene.shots.items():
            assert [shot.spec for shot in found] == list(SPECS)
            assert found[0].bytes == target and abs(math.log2(found[1].bytes / target)) < 0.6
            assert all(shot.file.exists() for shot in found)
    test_sweep.starts.clear()
    again = Results.load(shots.parent / "results.json")
    again.codecs = results.codecs
    assert scenes_of(shots, again, pictures) == scenes and not test_sweep.starts


def test_a_codec_that_dies_is_missing_in_the_viewer(shots: Path) -> None:
    results, pictures = measured(shots, ("good", "dies-at-3"))
    scenes = scenes_of(shots, results, pictures, ("good", "dies-at-3"))
    names = [[shot.spec for shot in found] for scene in scenes for found in scene.shots.values()]
    assert ["good", "dies-at-3"] in names  # where its setting 3 was not asked for
    assert all(found[0] == "good" for found in names)


@given(st.floats(0.01, 0.2), st.integers(50, 10**6), st.booleans())
def test_search_ends_at_the_nearest_size(slope: float, target: int, falling: bool) -> None:
    settings = Settings((20, 1) if falling else (1, 20), 1, 100)

    def size(setting: float) -> int:
        return max(1, round(100 * math.exp(slope * (100 - setting if falling else setting))))

    known = {setting: size(setting) for setting in settings.sweep}
    for _ in range(12):
        guess = nearest_setting(known, settings, target)
        if guess is None:
            break
        assert guess not in known
        known[guess] = size(guess)
    best = min(abs(math.log(size(setting) / target)) for setting in range(1, 101))
    assert min(abs(math.log(value / target)) for value in known.values()) <= best + slope


def test_crop_shows_structure() -> None:
    flat = np.full((700, 1000, 3), 90, np.uint8)
    flat[300:620, 500:980] = photo(320, 480, 1)
    left, top, width, height = liveliest(flat)
    assert (width, height) == (480, 320) and abs(left - 500) < 60 and abs(top - 300) < 60
    for shape in ((1, 1, 3), (3, 900, 3), (330, 7, 3), (320, 480, 3)):
        left, top, width, height = liveliest(np.zeros(shape, np.uint8))
        assert 0 <= left <= shape[1] - width and 0 <= top <= shape[0] - height


def report(shots: Path) -> Path:
    results, pictures = measured(shots)
    results.pictures[pictures[0].digest]["name"] = "</script><b>.png"
    named = [PictureFile(p.path, "</script><b>" + p.name, p.digest, p.width, p.height) for p in pictures]
    return write_report(shots.parent, results, named, scenes_of(shots, results, pictures), published_curves())


def test_page_needs_nothing_else(shots: Path) -> None:
    pytest.importorskip("bjontegaard")
    text = report(shots).read_text()
    assert "%DATA%" not in text and text.count("</script>") == 2
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", text) and "@import" not in text and "fetch(" not in text
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert data is not None
    content = json.loads(data[1])
    times = content["method"][2]
    assert "pinned to processors 3, 5;" in times and "0.2 as measuring began and 1.1" in times
    assert content["pictures"][0]["name"] == "</script><b>a.png" and len(content["viewer"]) == 2


# Pointers that a script makes cannot be captured.
ACTIONS = """
<pre id="found"></pre>
<script>
canvas.setPointerCapture = () => {};
const found = {}, box = () => canvas.getBoundingClientRect();
const key = (name, more) => canvas.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, ...more}));
const point = (type, id, x, y) => canvas.dispatchEvent(new PointerEvent(type,
  {pointerId: id, clientX: box().left + x * box().width, clientY: box().top + y * box().height, bubbles: true}));
const colour = x => [...pen.getImageData(Math.round(canvas.width * x), 3, 1, 1).data.slice(0, 3)];
change({left: "good", right: "large", split: 0.5});
setTimeout(() => {
  found.start = [colour(0.1), colour(0.9)];
  key("ArrowRight"); key("ArrowRight", {shiftKey: true});
  found.split = state.split;
  key("End");
  found.end = [colour(0.1), colour(0.9)];
  key("+"); key("ArrowDown"); key("1");
  found.keys = [state.zoom, state.picture, state.right];
  key("-"); key(" ");
  found.revealed = state.reveal;
  canvas.dispatchEvent(new KeyboardEvent("keyup", {key: " "}));
  found.hidden = state.reveal;
  point("pointerdown", 1, 0.25, 0.5); point("pointermove", 1, 0.75, 0.5); point("pointerup", 1, 0.75, 0.5);
  point("pointermove", 1, 0.1, 0.5);
  found.dragged = state.split;
  point("pointerdown", 2, 0.4, 0.5); point("pointerdown", 3, 0.6, 0.5); point("pointermove", 3, 0.8, 0.5);
  point("pointerup", 2, 0.4, 0.5); point("pointerup", 3, 0.8, 0.5);
  found.pinched = state.zoom;
  found.charts = document.querySelectorAll("figure svg").length;
  found.dashed = document.querySelectorAll("path.published").length;
  document.querySelector("#legend button").click();
  found.curves = document.querySelectorAll("#curves path.curve").length;
  found.wide = document.documentElement.scrollWidth - window.innerWidth;
  found.rates = byId("rates").rows.length;
  byId("found").textContent = JSON.stringify(found);
}, 500);
</script>
</body>
"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
def test_page_in_a_browser(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("bjontegaard")
    page = tmp_path / "acted.html"
    page.write_text(report(shots).read_text().replace("</body>", ACTIONS))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/browser"]
    options += ["--virtual-time-budget=4000", "--window-size=420,800", "--dump-dom", page.as_uri()]
    result = subprocess.run([str(BROWSER), *options], capture_output=True, text=True, timeout=240, env=dict(os.environ))
    text = re.search(r'<pre id="found">(.+?)</pre>', result.stdout)
    assert text is not None, result.stderr[-2000:]
    found: dict[str, Any] = json.loads(text[1])
    assert found["start"] == [[0, 0, 200], [200, 0, 0]] and found["end"][0] == [0, 0, 200]
    assert found["split"] == pytest.approx(0.62)
    assert found["keys"] == [2, 1, "good"] and found["revealed"] and not found["hidden"]
    assert found["dragged"] == pytest.approx(0.75, abs=0.01) and found["pinched"] == pytest.approx(2, abs=0.1)
    assert found["charts"] == 3 and found["curves"] == 1 and found["dashed"] > 20 and found["rates"] == 3
    assert found["wide"] <= 0  # nothing sticks out on a phone


def test_plots(shots: Path) -> None:
    pytest.importorskip("matplotlib")
    results, _ = measured(shots)
    written = write_plots(shots.parent, results, published_curves())
    assert [path.name for path in written] == ["rd-psnr.png", "time.png"]  # too small for MS-SSIM
    with Image.open(written[0]) as image:
        assert image.size == (1500, 720)


def test_published_curves() -> None:
    curves = published_curves()
    names = " ".join(curve.name for curve in curves)
    assert all(name in names for name in ("VTM", "BPG", "ELIC", "MLIC++", "TCM", "LALIC", "HPCM-Base", "HPCM-Large"))
    for curve in curves:
        assert curve.source and curve.metric in ("psnr", "ms_ssim") and len(curve.points) >= 4
        rates, quality = np.array(curve.points).T
        assert (np.diff(rates) > 0).all() and (np.diff(quality) > 0).all() and 0 < rates[0] < rates[-1] < 5
