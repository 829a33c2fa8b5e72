"""report.html: one file without outside parts, made of the page's pieces, the results and the crops."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from hpcmcodec.bench.crops import Scene, Shot
from hpcmcodec.bench.published import Published
from hpcmcodec.bench.results import PictureFile, Results
from hpcmcodec.bench.worker import ENOUGH_SECONDS
from hpcmcodec.formats.atomic import atomic_write

NAME = "report.html"
_SCRIPTS = ("tables.js", "charts.js", "viewer.js")
_KODAK_SIDES = {(768, 512), (512, 768)}


def write_report(
    folder: Path,
    results: Results,
    pictures: Sequence[PictureFile],
    scenes: Sequence[Scene] = (),
    published: Sequence[Published] = (),
) -> Path:
    """Writes the report of the results' summary and returns its path. Raises OutputError."""
    page = resources.files("hpcmcodec.bench") / "page"
    data = {
        "run": results.run,
        "codecs": {spec: about for spec, about in results.codecs.items() if _concerns(spec, about, results)},
        "summary": results.summary,
        "pictures": [{"digest": p.digest, "name": p.name, "width": p.width, "height": p.height} for p in pictures],
        "viewer": [_scene(scene) for scene in scenes],
        "published": [curve.to_dict() for curve in published],
        "kodak": len(pictures) == 24 and {(p.width, p.height) for p in pictures} <= _KODAK_SIDES,
        "method": method(results.run),
    }
    text = (page / "page.html").read_text(encoding="utf-8")
    parts = {
        "%STYLE%": (page / "style.css").read_text(encoding="utf-8"),
        "%SCRIPTS%": "\n".join((page / name).read_text(encoding="utf-8") for name in _SCRIPTS),
        "%DATA%": json.dumps(data).replace("<", "\\u003c"),  # no name of a file can end the element
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    atomic_write(folder / NAME, text.encode())
    return folder / NAME


def method(run: dict[str, Any]) -> list[str]:
    """How a run measures, in words."""
    threads, repeats = run["threads"], run["repeats"]
    return [
        "Every codec gets the same samples: upright, RGB, 8 bits, without alpha and metadata. Sizes are those of whole "
        "files. PSNR is over all samples of a picture. MS-SSIM has the usual window of 11 taps and five scales, is "
        "computed per channel and shown as −10 log10(1 − similarity); pictures with a side below 161 have none. Rate, "
        "PSNR and similarity are averaged over the pictures at each setting, and the curves of averages are compared.",
        "BD-rate and BD-PSNR (Bjontegaard) are computed by the library bjontegaard: monotone piecewise cubic "
        "interpolation over what both curves reach, nothing extrapolated.",
        f"Times are of coding in memory on {threads} thread{'s' * (threads > 1)}, libraries loaded and warmed up, one "
        f"codec at a time in a process of its own{_pinned(run['pinned'])}; medians of up to {repeats} runs, as many as "
        f"fit in {ENOUGH_SECONDS:g} s.{_load(**run['load'])}",
        "AVIF's defaults are tuned for the eye and give up PSNR; avif:psnr and avif:best (slow) are tuned for PSNR and "
        "without subsampling of colour. JPEG XL is tuned for the eye only: PSNR understates it. Learned codecs are "
        "usually trained for PSNR, as hpcm's models here are.",
        "SSIMULACRA2, where it was asked for by --ssimulacra2, is in results.json and results.csv.",
    ]


def _pinned(processors: Sequence[int]) -> str:
    if not processors:
        return " that was not pinned to processors"
    return f" pinned to processor{'s' * (len(processors) > 1)} {', '.join(map(str, processors))}"


def _load(before: float | None, after: float | None) -> str:
    if before is None:
        return ""
    ended = "" if after is None else f" and {after:.1f} as it ended, this run's own threads included"
    return f" The load of the machine was {before:.1f} as measuring began{ended}."


def _concerns(spec: str, about: dict[str, Any], results: Results) -> bool:
    """Whether a codec belongs to the last run: results.json may know more."""
    measured = results.summary["codecs"] | results.summary["lossless"]
    return spec in measured or (spec in results.run["codecs"] and "unavailable" in about)


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "name": scene.picture.name,
        "size": list(scene.box[2:]),
        "original": _source(scene.original),
        "rates": [
            {
                "target": target,
                "bpp": 8 * target / scene.picture.pixels,
                "shots": {shot.spec: _shot(shot, target) for shot in shots},
            }
            for target, shots in scene.shots.items()
        ],
    }


def _shot(shot: Shot, target: int) -> dict[str, Any]:
    return {
        "setting": shot.setting,
        "bytes": shot.bytes,
        "over": 100 * (shot.bytes / target - 1),
        "psnr": shot.psnr,
        "source": _source(shot.file),
    }


def _source(file: Path) -> str:
    return "data:image/webp;base64," + base64.b64encode(file.read_bytes()).decode()
