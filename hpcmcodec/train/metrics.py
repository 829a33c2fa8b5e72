"""A run's metrics: one JSON object per line, appended as training goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpcmcodec.errors import OutputError

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


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a line cut short by a crash
