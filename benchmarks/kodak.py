"""README's figures on Kodak: hpcm against JPEG, WebP and AVIF, measured by `hpcm bench`.

    python benchmarks/kodak.py FOLDER [-o build/kodak]                     everything: docs/figures/kodak.json, .svg
    python benchmarks/kodak.py FOLDER --reuse docs/figures/kodak.json  a new model: the other codecs as they were
    python benchmarks/kodak.py FOLDER --reuse docs/figures/kodak.json --model NAME  another model, figures left alone
    python benchmarks/kodak.py FOLDER --model NAME --no-peers --limit 4    a quick look at it

Prints README's tables, and whether bytes and PSNR rise with quality on every picture, and the yardstick that models are
compared by. OUTPUT holds results.json and report.html of hpcm bench, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import record

from hpcmcodec.bench.curves import distance
from hpcmcodec.bench.machine import choose_processors
from hpcmcodec.bench.published import published_curves
from hpcmcodec.bench.results import Results, digest_of
from hpcmcodec.bench.run import Listener, bench
from hpcmcodec.bench.sweep import Options
from hpcmcodec.models import store
from hpcmcodec.models.lite.model import SLOPES
from hpcmcodec.models.registry import config_from_dict

SUFFIXES = {".png", ".webp", ".ppm", ".bmp", ".tif", ".tiff"}
PEERS = ("jpeg", "webp", "jxl", "avif:444", "avif:best")
PUBLISHED = ("mbt2018-mean (CompressAI)", "VTM-18.0 (lossy-vae)", "HPCM-Base")
"""Curves of `hpcm bench --published` that README's table has too: averages over the same pictures, others' bytes."""
SHOWN = (1, 25, 50, 75, 100)
Curve = dict[str, Any]
"""As in docs/figures/kodak.json: {label, about, date, points: [{setting, bpp, psnr, ms_ssim_db}]}."""


def pictures_in(folder: Path) -> list[Path]:
    """Of a set of photographs, sorted; notes and hashes beside them left out."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def curve_of(results: Results, spec: str) -> Curve:
    """A measured codec's averages."""
    about = results.codecs[spec]
    points = [
        {key: value if value is None else round(value, 6) for key, value in point.items()}
        for point in results.summary["codecs"][spec]["points"]
    ]
    return {"label": about["label"], "about": about["about"], "date": results.run["date"], "points": points}


def bd_rate(anchor: Curve, test: Curve, metric: str) -> float:
    """Percent of rate that `test` needs more at equal `psnr` or `ms_ssim_db`."""
    a, b = (tuple(np.array([p[key] for p in c["points"]]) for key in ("bpp", metric)) for c in (anchor, test))
    found = distance((a[0], a[1]), (b[0], b[1]))
    return math.nan if found is None else found.rate


def checks(results: Results, spec: str, pictures: list[str]) -> str:
    """Monotone on every picture? And the yardstick that models are compared by: the mean of (lambda 255^2 MSE + bpp) /
    sqrt(255 lambda) over SHOWN on `lite`'s scale of lambda, read between the settings of a model with another one."""
    area = {digest: about["width"] * about["height"] for digest, about in results.pictures.items()}
    version = results.codecs[spec]["version"]
    found = {(m.setting, m.picture): m for m in results if m.codec == spec and m.version == version and m.bytes}
    settings = [
        setting for setting in sorted({key[0] for key in found}) if all((setting, p) in found for p in pictures)
    ]
    bpp = np.array([[8 * (found[s, p].bytes or 0) / area[p] for p in pictures] for s in settings])
    psnr = np.array([[found[s, p].psnr for p in pictures] for s in settings], float)
    rising = bool((np.diff(bpp, axis=0) > 0).all() and (np.diff(psnr, axis=0) > 0).all())

    model = store.find(spec.partition(":")[2] or None)
    own = _log_slopes(settings, config_from_dict(model.config).slopes)
    wanted = _log_slopes(SHOWN, SLOPES)
    rate = np.exp(np.interp(wanted, own, np.log(bpp.mean(1))))
    error = np.exp(np.interp(wanted, own, np.log((10 ** (-psnr / 10)).mean(1))))
    marks = (np.exp(wanted) * 255**2 * error + rate) / np.sqrt(255 * np.exp(wanted))
    return f"bytes and PSNR rise with quality on every picture: {rising}\nyardstick: {marks.mean():.4f}"


def _log_slopes(settings: Sequence[float], slopes: tuple[float, float]) -> np.ndarray:
    """log(lambda) of `-q` settings of a model that was trained from slopes[0] to slopes[1]."""
    low, high = np.log(slopes)
    return low + (np.array(settings) - 1) / 99 * (high - low)


def tables(curves: dict[str, Curve]) -> dict[str, record.Table]:
    """README's tables; the first curve is ours."""
    ours, *peers = curves.values()
    name = ours["label"].removeprefix("hpcm ")
    rows = [
        [f"{peer['label']} ({peer['about']})", *(percent(peer, ours, metric) for metric in ("psnr", "ms_ssim_db"))]
        for peer in peers
    ]
    for published in (c for c in published_curves() if c.name in PUBLISHED and c.metric == "psnr"):
        points = [{"bpp": bpp, "psnr": psnr} for bpp, psnr in published.points]
        rows.append([f"{published.name}, as published", percent({"points": points}, ours, "psnr"), ""])
    shown = [point for point in ours["points"] if point["setting"] in SHOWN]
    quality = [
        ["bits per pixel", *(f"{point['bpp']:.3f}" for point in shown)],
        ["PSNR in dB", *(f"{point['psnr']:.2f}" for point in shown)],
    ]
    return {
        "codecs": record.table([f"`{name}` against", "rate at equal PSNR (BD-rate)", "at equal MS-SSIM"], rows),
        "quality": record.table(["`-q`", *(f"{point['setting']:g}" for point in shown)], quality),
    }


def percent(anchor: Curve, test: Curve, metric: str) -> str:
    return f"{bd_rate(anchor, test, metric):+.1f} %"


def draw(curves: dict[str, Curve], path: Path) -> None:
    """The plot as SVG; the same file from the same figures."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "hpcmcodec"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.6))
    for spec, curve in curves.items():
        style: dict[str, Any] = (
            {"marker": "o", "linewidth": 2.4} if spec == "hpcm" else {"marker": ".", "linewidth": 1.2}
        )
        x, y = ([p[key] for p in curve["points"]] for key in ("bpp", "psnr"))
        axes.plot(x, y, label=curve["label"], **style)
    axes.set_xlim(0, 2)
    axes.set_ylim(24, 42)
    axes.set_xlabel("bits per pixel (whole files)")
    axes.set_ylabel("RGB PSNR in dB")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("build/kodak"))
    parser.add_argument("--model", help="another than the default, for which figures are left alone")
    parser.add_argument("--limit", type=int, help="only the first N pictures; leaves figures alone")
    parser.add_argument("--no-peers", action="store_true", help="leave the other codecs and figures alone")
    parser.add_argument("--reuse", type=Path, help="kodak.json with the other codecs' curves")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.reuse and arguments.limit is not None:
        parser.error("--reuse is for all the pictures: the other codecs' curves are")
    peers = () if arguments.no_peers else PEERS
    ours = f"hpcm:{arguments.model}" if arguments.model else "hpcm"
    earlier: dict[str, Curve] = json.loads(arguments.reuse.read_text())["measured"] if arguments.reuse else {}
    specs = (ours, *(spec for spec in peers if spec not in earlier))
    paths = pictures_in(arguments.folder)[: arguments.limit]
    listener = Listener(
        lambda path, error: sys.exit(f"{path}: {error}"),
        lambda text: print(text, file=sys.stderr),
        lambda step: print(f"\r{step.done} of {step.total}", end="", file=sys.stderr),
    )
    run = Options(specs, arguments.threads, repeats=1, processors=choose_processors(arguments.threads))
    results = bench(paths, run, arguments.output, listener, crops=0)
    print(file=sys.stderr)
    curves = {"hpcm": curve_of(results, ours)}
    curves |= {spec: earlier.get(spec) or curve_of(results, spec) for spec in peers}
    print(f"{len(paths)} pictures\n{checks(results, ours, [digest_of(path) for path in paths])}\n")
    output = record.FIGURES / "kodak.json" if peers and arguments.limit is None and arguments.model is None else None
    record.report(curves, tables(curves), output)
    if output:
        draw(curves, output.with_suffix(".svg"))


if __name__ == "__main__":
    main()
