"""A run's metrics: one JSON object per line, appended as training goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.errors import OutputError

from .loss import Outcome

NAME = "metrics.jsonl"


class Metrics:
    """Appends to RUN/metrics.jsonl and shows every line through `show`. Raises OutputError."""

    def __init__(self, run: Path, show: Callable[[str], None], *, step: int = 0) -> None:
        """Lines of steps beyond `step` are dropped: they were written after the checkpoint that a run goes on from."""
        self._path, self._show = run / NAME, show
        if self._path.exists():
            lines = self._path.read_text().splitlines()
            self._write("w", "".join(f"{line}\n" for line in lines if _step(line) <= step))

    def add(self, **values: Any) -> None:
        """One line; `step` belongs to every line."""
        line = json.dumps(values)
        self._write("a", line + "\n")
        self._show(line)

    def _write(self, mode: str, text: str) -> None:
        try:
            with self._path.open(mode) as file:
                file.write(text)
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error


class Interval:
    """What happened since the last line of metrics, at `seconds` of training."""

    def __init__(self, seconds: float) -> None:
        self._began, self._outcomes, self._pictures = seconds, list[Tensor](), 0
        self._norm, self._skipped = 0.0, 0

    @property
    def empty(self) -> bool:
        """Whether there was no step."""
        return not self._outcomes

    def add(self, outcome: Outcome, norm: float) -> None:
        """A step's outcome and the norm of its gradient."""
        self._outcomes.append(torch.stack((outcome.yardstick, outcome.bpp, outcome.mse)).detach().mean(1))
        self._pictures += len(outcome.bpp)
        self._norm, self._skipped = norm, self._skipped + (not np.isfinite(norm))

    def summary(self, seconds: float, pixels: int, mean: Callable[[Tensor], Tensor] = lambda t: t) -> dict[str, Any]:
        """Means over the steps until `seconds` of training; `pixels` of one crop, in all processes, over which `mean`
        averages."""
        loss, bpp, mse = mean(torch.stack(self._outcomes).double().mean(0)).tolist()
        rate = self._pictures * pixels / max(seconds - self._began, 1e-9)
        values: dict[str, Any] = {"loss": loss, "bpp": bpp, "mse": mse, "norm": self._norm}
        values = {name: value if np.isfinite(value) else None for name, value in values.items()}
        return {**values, "skipped": self._skipped, "pixels_per_second": round(rate)}


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line cut short by a crash
