"""What `hpcm bench` prints: progress while it runs, a table at the end."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from hpcmcodec.bench.results import Results
from hpcmcodec.bench.run import Listener
from hpcmcodec.bench.sweep import Step
from hpcmcodec.cli.report import with_source
from hpcmcodec.cli.text import echo, is_terminal, safe, shown
from hpcmcodec.errors import HpcmError

_LINE_SECONDS = 30.0
_FAILED = HpcmError.exit_code


class Progress:
    """Shows a run on standard error: a bar on a terminal, else a line now and then. A context manager around it."""

    def __init__(self, *, quiet: bool) -> None:
        self.exit_code = 0
        self._quiet, self._last = quiet, time.monotonic()
        self._stack = ExitStack()
        self._bar: Any = None
        self._task: Any = None
        self._last_step: Step | None = None
        self.listener = Listener(self.complain, self.note, self.step, self.crop)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()
        if kind and not issubclass(kind, Exception) and self._last_step:
            done, total = self._last_step.done, self._last_step.total
            echo(f"{done} of {total} measured and kept; the same command goes on from there", err=True)

    def complain(self, path: Path, error: HpcmError) -> None:
        """A picture that cannot be used."""
        self.exit_code = error.exit_code if self.exit_code in (0, error.exit_code) else _FAILED
        self._say(f"hpcm: {with_source(path, error)}")

    def note(self, text: str) -> None:
        """Something that is worth a sentence."""
        self._say(f"hpcm: {shown(text)}")

    def step(self, step: Step) -> None:
        """A measurement."""
        self._last_step = step
        m = step.measurement
        if m.error:
            self.exit_code = _FAILED
            self._say(f"hpcm: {shown(step.picture.name)}: {m.codec} at {m.setting:g} failed: {shown(m.error)}")
        self._show(step.done, step.total, f"{m.codec}, {shown(step.picture.name)}", cached=step.cached)

    def crop(self, done: int, total: int, spec: str) -> None:
        """A picture for the report's viewer is sought."""
        self._show(done, total, f"pictures for the report, {spec}")

    def _show(self, done: int, total: int, text: str, *, cached: bool = False) -> None:
        if self._quiet:
            return
        if is_terminal(sys.stderr):
            if self._bar is None:
                self._bar = self._stack.enter_context(_progress_bar())
                self._task = self._bar.add_task("")
            self._bar.update(self._task, completed=done, total=total, description=text)
        elif time.monotonic() - self._last > _LINE_SECONDS and not cached:
            self._last = time.monotonic()
            self._say(f"{done} of {total}: {text}")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(safe(text), markup=False, highlight=False, soft_wrap=True)
        else:
            echo(text, err=True)


def _progress_bar() -> Any:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("ETA"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


def table(results: Results) -> str:
    """The comparison in a few lines: BD-rates with intervals, seconds per megapixel, peak memory; bytes of what loses
    nothing."""
    return "\n\n".join(
        part(results) for part, key in ((_lossy, "codecs"), (_lossless, "lossless")) if results.summary[key]
    )


def _lossy(results: Results) -> str:
    summary = results.summary
    anchor = summary["anchor"]
    names = {"psnr": "PSNR", "ms_ssim": "MS-SSIM", "ssimulacra2": "SSIMULACRA2"}
    if not any(point.get("ssimulacra2") for of in summary["codecs"].values() for point in of["points"]):
        del names["ssimulacra2"]
    rows = [["codec", *(f"BD-rate {name}" for name in names.values()), "encode s/MP", "decode s/MP", "memory"]]
    for spec, values in summary["codecs"].items():
        rates = [_rate(values["distances"].get(metric), spec == anchor) for metric in names]
        rows.append([shown(results.codecs[spec]["label"]), *rates, *_costs(values)])
    return "\n".join(
        [*_aligned(rows), f"against {results.codecs[anchor]['label']}; in brackets 95 % over the pictures"]
    )


def _lossless(results: Results) -> str:
    rows = [["no loss", "bytes", "bits/pixel", "against it", "encode s/MP", "decode s/MP", "memory"]]
    anchor = ""
    for spec, values in results.summary["lossless"].items():
        label = shown(results.codecs[spec]["label"])
        against = _percent(values["more"], values["interval"]) if "more" in values else "anchor"
        anchor = anchor if "more" in values else label
        rows.append([label, f"{values['bytes']}", f"{values['bpp']:.3f}", against, *_costs(values)])
    return "\n".join([*_aligned(rows), f"against {anchor}; in brackets 95 % over the pictures"])


def _costs(values: dict[str, Any]) -> list[str]:
    peak = values["peak_bytes"]
    times = [f"{values[side]['seconds']:.3g}" for side in ("encode", "decode")]
    return [*times, "-" if peak is None else f"{peak / 1e6:.0f} MB"]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _rate(distance: dict[str, Any] | None, is_anchor: bool) -> str:
    if is_anchor:
        return "anchor"
    return "-" if distance is None else _percent(distance["rate"], distance["interval"])


def _percent(value: float, interval: list[float] | None) -> str:
    text = f"{value:+.1f} %"
    return text if interval is None else f"{text} [{interval[0]:+.1f}, {interval[1]:+.1f}]"
