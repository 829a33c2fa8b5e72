"""What `hpcm train` shows: a line of progress on a terminal, lines of metrics elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hpcmcodec.cli.text import echo, is_terminal, safe


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function that takes lines of metrics (JSON)."""
    if not is_terminal(sys.stdout):
        yield echo
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("starting", total=1.0)

        def show(line: str) -> None:
            values = json.loads(line)
            if "loss" in values or "loss_truncated" in values:
                bar.update(task, completed=values["done"], description=running(values))
            else:
                bar.console.print(safe(event(values)), markup=False, highlight=False)

        yield show


def running(values: dict[str, Any]) -> str:
    """The state of training in a line."""
    loss = values.get("loss", values.get("loss_truncated"))
    parts = [f"step {values['step']}", f"loss {loss:.4f}" if loss is not None else "loss not finite"]
    parts += [f"{values['bpp']:.3f} bpp"] if values.get("bpp") is not None else []
    parts += [f"{values['pixels_per_second'] / 1e6:.2f} Mpixel/s"]
    return "  ".join([*parts, *([f"{values['skipped']} skipped"] if values["skipped"] else [])])


def event(values: dict[str, Any]) -> str:
    """Anything else: a validation, or what is told of the start."""
    if "valid" not in values:
        start = values.get("start", {})
        told = [f"{what}: {', '.join(start[key])}" for key, what in _TOLD if start.get(key)]
        return "\n".join(told) or json.dumps(values)
    valid = values["valid"]
    rows = [f"step {values['step']}: yardstick {valid['yardstick']} on the validation pictures"]
    for i, point in enumerate(valid["points"]):
        row = f"  quality {round(1 + 99 * point['quality'])}: {point['bpp']:.4f} bpp, {point['psnr']:.2f} dB"
        coded = (valid.get("coded") or [])[i : i + 1]
        rows.append(row + "".join(f"; files {c['bpp']:.4f} bpp, {c['psnr']:.2f} dB" for c in coded))
    return "\n".join(rows)


_TOLD = (("new", "new parts with their initial values"), ("left_out", "left out of the model"))
