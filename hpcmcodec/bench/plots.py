"""The report's charts as PNG files, for papers and READMEs (needs matplotlib)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpcmcodec.bench.published import Published
from hpcmcodec.bench.results import Results

_CURVES = {"psnr": ("rd-psnr", "RGB PSNR in dB"), "ms_ssim_db": ("rd-ms-ssim", "MS-SSIM, -10 log10(1 - x)")}

_FOREIGN = "Published, 24 Kodak pictures"
_DECADES = 300
"""Ratio of an axis' ends from which only powers of ten are marked."""


PLOTS = (*(f"{name}.png" for name, _ in _CURVES.values()), "time.png")
"""Names of the files that `write_plots` makes."""


def write_plots(folder: Path, results: Results, published: Sequence[Published] = ()) -> list[Path]:
    """rd-psnr.png, rd-ms-ssim.png, time.png, as far as there is something to draw. Raises OSError."""
    written = []
    for key, (name, title) in _CURVES.items():
        curves = [curve for curve in published if (curve.metric == "psnr") == (key == "psnr")]
        figure = draw_curves(results, key, title, curves)
        if figure is not None:
            written.append(_save(figure, folder / f"{name}.png"))
    figure = draw_times(results)
    if figure is not None:
        written.append(_save(figure, folder / "time.png"))
    return written


def draw_curves(results: Results, key: str, title: str, published: Sequence[Published] = ()) -> Any:
    """A matplotlib figure of quality over rate; None if no codec has such values. Published curves are dashed."""
    codecs = results.summary["codecs"]
    curves = {spec: [(p["bpp"], p[key]) for p in of["points"] if p[key] is not None] for spec, of in codecs.items()}
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return None
    figure, axes = _figure(wide=bool(published))
    lines = []
    for spec, curve in curves.items():
        ours = spec.partition(":")[0] == "hpcm"
        style = {"marker": "o" if ours else ".", "linewidth": 2.4 if ours else 1.3}
        lines += axes.plot(*zip(*curve, strict=True), label=results.codecs[spec]["label"], **style)
    axes.set_xscale("log")
    limits = axes.get_xlim(), axes.get_ylim()
    foreign = []
    for i, other in enumerate(published):
        colour = _shade(i, len(published))
        foreign += axes.plot(*zip(*other.points, strict=True), "--", linewidth=0.9, color=colour, label=other.name)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    _plain_ticks(axes)
    axes.set_xlabel("bits per pixel (whole files)")
    axes.set_ylabel(title)
    axes.add_artist(axes.legend(handles=lines, fontsize="small", loc="lower right"))
    if foreign:
        figure.legend(
            handles=foreign, fontsize="x-small", loc="outside right upper", title=_FOREIGN, title_fontsize="small"
        )
    return figure


def draw_times(results: Results) -> Any:
    """A matplotlib figure of BD-rate over decoding and encoding time; None for fewer than two codecs."""
    anchor, codecs = results.summary["anchor"], results.summary["codecs"]
    rates = {
        spec: 0.0 if spec == anchor else of["distances"].get("psnr", {}).get("rate") for spec, of in codecs.items()
    }
    placed = {spec: rate for spec, rate in rates.items() if rate is not None}
    if len(placed) < 2:
        return None
    figure, axes = _figure()
    for i, (spec, rate) in enumerate(placed.items()):
        encode, decode = (codecs[spec][side]["seconds"] for side in ("encode", "decode"))
        colour = f"C{i}"
        axes.plot([encode, decode], [rate, rate], linewidth=0.6, color=colour)
        axes.plot([encode], [rate], "^", color=colour)
        axes.plot([decode], [rate], "o", color=colour, label=results.codecs[spec]["label"])
    axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_xlabel("seconds per megapixel: triangle to encode, dot to decode")
    axes.set_ylabel(f"BD-rate in % against {results.codecs[anchor]['label']}, RGB PSNR")
    axes.legend(fontsize="small")
    return figure


def _figure(*, wide: bool = False) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10 if wide else 7, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    return figure, axes


def _plain_ticks(axes: Any) -> None:
    """0.1, 0.2, 0.5, 1 in place of powers of ten."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    few = high / low < _DECADES
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _shade(i: int, count: int) -> Any:
    from matplotlib import colormaps

    return colormaps["turbo"]((i + 0.5) / count)


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=150)
    return path
