"""Curves that others published for the 24 Kodak pictures, each with its source. Data, never mixed with measurements."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from hpcmcodec.bench.curves import Metric

NAME = "published.json"


@dataclass(frozen=True)
class Published:
    """points: (bits per pixel, dB), rising; averages over the 24 pictures at 768x512, RGB. metric: of the dB."""

    name: str
    metric: Metric
    points: tuple[tuple[float, float], ...]
    source: str
    notes: str

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return asdict(self)


def published_curves() -> list[Published]:
    """All of them, in the order of the data file."""
    content = json.loads((resources.files("hpcmcodec.bench") / "data" / NAME).read_text())
    return [
        Published(c["name"], c["metric"], tuple((b, q) for b, q in c["points"]), c["source"], c["notes"])
        for c in content
    ]
