"""A run's curves as an SVG file: losses and validations over training time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hpcmcodec.errors import OutputError

from .metrics import NAME as METRICS

NAME = "metrics.svg"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _MARGIN = 640, 360, 60, 40, 20
_SMOOTH = 20  # lines of metrics that a point of the loss averages over
_COLOURS = {"loss": "#8899aa", "validation": "#c03030"}

Curve = list[tuple[float, float]]


def plot(run: Path) -> None:
    """Write RUN/metrics.svg from RUN/metrics.jsonl. Raises OutputError."""
    try:
        text = draw(curves(json.loads(line) for line in (run / METRICS).read_text().splitlines()))
        (run / NAME).write_text(text)
    except OSError as error:
        raise OutputError(f"cannot write {run / NAME}: {error.strerror or error}") from error


def curves(lines: Iterable[dict[str, Any]]) -> dict[str, Curve]:
    """(hours, yardstick) of the training loss, smoothed, and of validations."""
    found: dict[str, Curve] = {"loss": [], "validation": []}
    recent: list[float] = []
    for line in lines:
        hours = line["seconds"] / 3600
        if line.get("loss") is not None:
            recent = [*recent[1 - _SMOOTH :], line["loss"]]
            found["loss"].append((hours, sum(recent) / len(recent)))
        if "valid" in line and line["valid"]["yardstick"] is not None:
            found["validation"].append((hours, line["valid"]["yardstick"]))
    return {name: curve for name, curve in found.items() if curve}


def draw(found: dict[str, Curve]) -> str:
    """The SVG text. Outliers of the beginning are cut off, so that the end can be read."""
    points = [point for curve in found.values() for point in curve]
    if not points:
        points = [(0.0, 0.0), (1.0, 1.0)]
    values = sorted(value for _, value in points)
    low, high = values[0], values[min(len(values) - 1, int(0.98 * len(values)))]
    span = (high - low) or 1.0
    low, high, last = low - 0.05 * span, high + 0.05 * span, max(hours for hours, _ in points) or 1.0

    def place(hours: float, value: float) -> str:
        x = _LEFT + hours / last * (_WIDTH - _LEFT - _MARGIN)
        y = _HEIGHT - _BOTTOM - (min(value, high) - low) / (high - low) * (_HEIGHT - _BOTTOM - _MARGIN)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_axes(low, high, last, place),
    ]
    for i, (name, curve) in enumerate(found.items()):
        line = " ".join(place(*point) for point in curve)
        parts.append(f'<polyline fill="none" stroke="{_COLOURS[name]}" stroke-width="1.5" points="{line}"/>')
        parts.append(f'<text x="{_WIDTH - 110}" y="{30 + 16 * i}" fill="{_COLOURS[name]}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _axes(low: float, high: float, last: float, place: Any) -> list[str]:
    parts = []
    for i in range(5):
        value, hours = low + (high - low) * i / 4, last * i / 4
        (x0, y0), (x1, _) = (_point(place(h, value)) for h in (0.0, last))
        parts.append(f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y0}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y0 + 4}" text-anchor="end">{value:.3f}</text>')
        x, y = _point(place(hours, low))
        parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle">{hours:.2g} h</text>')
    parts.append(f'<text x="{_LEFT}" y="14">yardstick (lower is better)</text>')
    return parts


def _point(text: str) -> Sequence[float]:
    return [float(v) for v in text.split(",")]
