"""What the commands print: one line or JSON object per file, progress on a terminal, failures and sums at the end."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from hpcmcodec.batch import STREAM, Outcome, Place, Plan, Summary
from hpcmcodec.errors import HpcmError

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID


def human_bytes(count: int) -> str:
    """A size with three significant digits in decimal units: 999 B, 23.4 kB, 1.10 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            break
        value /= 1000
    if unit == "B":
        return f"{count} B"
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def line(outcome: Outcome) -> str:
    """The line that a user reads about a file that was converted or skipped."""
    task, result = outcome.task, outcome.result
    if result is None:
        return f"{task.source}: skipped, {task.destination} exists"
    parts = [
        f"{task.source} -> {task.destination}",
        f"{result.width}x{result.height}",
        f"{human_bytes(result.bytes_in)} -> {human_bytes(result.bytes_out)}",
        f"{result.bits_per_pixel:.3f} bpp",
        f"{result.seconds:.2f} s",
    ]
    if result.verified:
        parts.append(f"verified, {result.psnr:.2f} dB" if result.psnr else "verified")
    return "  ".join(parts)


def with_source(source: Place, error: HpcmError, destination: Place | None = None) -> str:
    """What went wrong with a file, in one line that names it or what would be made of it."""
    message = " ".join(str(error).split())
    named = any(str(path) in message for path in (source, destination) if path)
    return message if named or source == STREAM else f"{source}: {message}"


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """An outcome for --json."""
    destination = outcome.task.destination
    values: dict[str, Any] = {
        "kind": "file",
        "status": outcome.status,
        "source": str(outcome.task.source),
        "destination": None if destination is None else str(destination),
    }
    if outcome.result:
        values |= outcome.result.to_dict()
    if outcome.error:
        values["error"] = error_dict(outcome.error)
    return values


def error_dict(error: HpcmError) -> dict[str, Any]:
    """An error for --json."""
    return {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}


class Report:
    """Prints outcomes as they come in; a context manager around the run.

    Lines go to standard output, or to standard error while `binary` output goes to standard output. Progress is shown
    where standard error is a terminal and there is more than one file.
    """

    def __init__(self, plan: Plan, verb: str, *, as_json: bool, quiet: bool, binary: bool) -> None:
        self.summary = Summary()
        self.plan, self.verb, self.as_json, self.quiet, self.binary = plan, verb, as_json, quiet, binary
        self._many = len(plan) != 1
        self._start = time.perf_counter()
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Report:
        if self._many and not self.quiet and sys.stderr.isatty():
            self._progress = self._stack.enter_context(_progress())
            self._bar = self._progress.add_task(self.verb, total=len(self.plan), rate="", failed="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()
        self._progress = None
        if kind is None or not issubclass(kind, Exception):  # interrupted: tell what was done
            self._finish()

    def add(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        self.summary.outcomes.append(outcome)
        if self.as_json:
            self._print(json.dumps(to_dict(outcome)))
        elif outcome.status != "failed" and not self.quiet:
            self._print(line(outcome))
        if outcome.result:
            for warning in outcome.result.warnings:
                self._print(f"hpcm: {outcome.task.source}: warning: {warning}", err=True)
        if self._progress and self._bar is not None:
            self._advance(self._progress, self._bar)

    def _advance(self, progress: Progress, bar: TaskID) -> None:
        done = self.summary.count("ok")
        failed = self.summary.count("failed")
        progress.update(
            bar,
            advance=1,
            rate=f"{done / (time.perf_counter() - self._start):.2f} files/s" if done else "",
            failed=f"[red]{failed} failed" if failed else "",
        )

    def _finish(self) -> None:
        for outcome in self.summary.failures:
            if outcome.error:
                task = outcome.task
                click.echo(f"hpcm: {with_source(task.source, outcome.error, task.destination)}", err=True)
        if self.as_json:
            self._print(json.dumps({"kind": "summary", **self._sums()}))
        elif self._many and not self.quiet:
            self._print(self._closing())

    def _sums(self) -> dict[str, Any]:
        summary = self.summary
        counts = {status: summary.count(status) for status in ("ok", "skipped", "failed")}
        return counts | {
            "not_done": len(self.plan) - len(summary.outcomes),
            "bytes_in": summary.bytes_in,
            "bytes_out": summary.bytes_out,
            "seconds": time.perf_counter() - self._start,
            "exit_code": summary.exit_code,
        }

    def _closing(self) -> str:
        sums = self._sums()
        parts = [f"{sums['ok']} {self.verb}d"]
        parts += [f"{sums[name]} {name.replace('_', ' ')}" for name in ("skipped", "failed", "not_done") if sums[name]]
        text = ", ".join(parts)
        if sums["ok"]:
            text += f": {human_bytes(sums['bytes_in'])} -> {human_bytes(sums['bytes_out'])}"
        return f"{text} in {sums['seconds']:.1f} s"

    def _print(self, text: str, *, err: bool = False) -> None:
        err = err or self.binary
        if self._progress and (err or sys.stdout.isatty()):  # above the bar, on the same terminal
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(text, err=err)


def _progress() -> Progress:
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TextColumn("ETA"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[failed]}"),
        console=Console(stderr=True),
        redirect_stdout=False,
        transient=True,
    )
