"""What the commands print: one line or JSON object per file, progress on a terminal, failures and sums at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from hpcmcodec.batch import STREAM, LeftOut, Outcome, Place, Plan, Summary
from hpcmcodec.batch.run import kinds
from hpcmcodec.batch.sizes import pixels_of
from hpcmcodec.cli.bar import Bar
from hpcmcodec.cli.text import echo, shown
from hpcmcodec.errors import HpcmError
from hpcmcodec.formats.kinds import ADVICE, EXTRA

if TYPE_CHECKING:
    from types import TracebackType

    from hpcmcodec.batch import Converted


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
    task, result = outcome.task, cast("Converted | None", outcome.result)
    if outcome.status == "skipped" or result is None:
        return f"{shown(task.source)}: skipped, {shown(outcome.reason)}"
    parts = [
        f"{shown(task.source)} -> {shown(task.destination)}",
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
    message = str(error)
    named = any(str(path) in message for path in (source, destination) if path)
    line = shown(" ".join(message.split()))
    return line if named or source == STREAM else f"{shown(source)}: {line}"


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """An outcome for --json."""
    destination = outcome.task.destination
    values: dict[str, Any] = {
        "kind": "file",
        "status": outcome.status,
        "source": str(outcome.task.source),
        "destination": None if destination is None else str(destination),
    }
    if outcome.reason:
        values["reason"] = outcome.reason
    if outcome.result:
        values |= cast("Converted", outcome.result).to_dict()
    if outcome.error:
        values["error"] = error_dict(outcome.error)
    return values


def left_out_dict(left: LeftOut) -> dict[str, Any]:
    """A file that was not touched, for --json."""
    reason = "of the kind that is made here, or hidden" if left.expected else "not of a kind that is read"
    return {"kind": "file", "status": "left_out", "source": str(left.path), "reason": reason, "suffix": left.kind}


def left_out_line(left_out: Iterable[LeftOut]) -> str:
    """How many files were not touched, by kind: `3 left out (2 .heic, 1 .txt)`; empty if there are none."""
    counts = kinds(left_out)
    if not counts:
        return ""
    listed = ", ".join(f"{count} {shown(kind)}" for kind, count in list(counts.items())[:12])
    more = ", and others" if len(counts) > 12 else ""
    advice = f"; {ADVICE} reads more of them" if EXTRA & counts.keys() else ""
    return f"{sum(counts.values())} left out ({listed}{more}{advice})"


def error_dict(error: HpcmError) -> dict[str, Any]:
    """An error for --json."""
    return {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}


class Report:
    """Prints outcomes as they come in; a context manager around the run.

    Lines go to standard output, or to standard error while `binary` output goes to standard output. Progress is shown
    where standard error is a terminal. verbose: name files that were left out too.
    """

    def __init__(
        self,
        plan: Plan,
        verb: str,
        *,
        as_json: bool,
        quiet: bool,
        binary: bool,
        verbose: bool = False,
        ignore_unknown: bool = False,
    ) -> None:
        self.summary = Summary(left_out=plan.left_out, ignore_unknown=ignore_unknown)
        self.plan, self.verb, self.as_json, self.quiet, self.binary = plan, verb, as_json, quiet, binary
        self._verbose = verbose
        self._many = len(plan) != 1 or bool(plan.left_out)
        self._start = time.perf_counter()
        self._tasks = frozenset(plan.tasks)
        self._bar = Bar(verb, plan.tasks, lambda task: pixels_of(task.source), quiet=quiet)

    def __enter__(self) -> Report:
        self._bar.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.__exit__(kind, error, tb)
        if kind is None or not issubclass(kind, Exception):  # interrupted: tell what was done
            self._finish()

    @property
    def progress(self) -> Any:
        """What hears of work within a file, None where nobody looks."""
        return self._bar.tell if self._bar.enabled else None

    def add(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        self.summary.outcomes.append(outcome)
        if self.as_json:
            self._print(json.dumps(to_dict(outcome)))
        elif outcome.status != "failed" and not self.quiet:
            self._print(line(outcome) + self._remark(outcome))
        if outcome.result:
            for warning in outcome.result.warnings:
                self._print(f"hpcm: {shown(outcome.task.source)}: warning: {shown(warning)}", err=True)
        if outcome.task in self._tasks:
            self._bar.finish(outcome.task, failed=outcome.status == "failed")

    def _finish(self) -> None:
        for outcome in self.summary.failures:
            if outcome.error:
                task = outcome.task
                echo(f"hpcm: {with_source(task.source, outcome.error, task.destination)}", err=True)
        if self.as_json:
            for left in self.plan.left_out:
                self._print(json.dumps(left_out_dict(left)))
            self._print(json.dumps({"kind": "summary", **self._sums()}))
        else:
            if self._verbose:
                for left in self.plan.left_out:
                    self._print(f"{shown(left.path)}: left out, {shown(left.kind)}")
            if self._many and not self.quiet:
                self._print(self._closing())
        self._tell_left_out()

    def _tell_left_out(self) -> None:
        """What somebody may miss is told even where little else is."""
        missed = [left for left in self.plan.left_out if not left.expected]
        if missed and not self.summary.ignore_unknown and (self.quiet or self.as_json):
            echo(f"hpcm: {left_out_line(missed)}", err=True)

    def _sums(self) -> dict[str, Any]:
        summary = self.summary
        counts = {status: summary.count(status) for status in ("ok", "skipped", "failed")}
        return counts | {
            "left_out": len(summary.left_out),
            "left_out_kinds": kinds(summary.left_out),
            "not_done": len(self.plan) - len(summary.outcomes),
            "larger": summary.larger,
            "bytes_in": summary.bytes_in,
            "bytes_out": summary.bytes_out,
            "seconds": time.perf_counter() - self._start,
            "exit_code": summary.exit_code,
        }

    def _closing(self) -> str:
        sums = self._sums()
        parts = [f"{sums['ok']} {self.verb}d"]
        parts += [f"{sums[name]} {name.replace('_', ' ')}" for name in ("skipped", "failed", "not_done") if sums[name]]
        parts += [text] if (text := left_out_line(self.summary.left_out)) else []
        text = ", ".join(parts)
        if sums["ok"]:
            text += f": {human_bytes(sums['bytes_in'])} -> {human_bytes(sums['bytes_out'])}"
        text += f" in {sums['seconds']:.1f} s"
        if self.verb == "encode" and sums["larger"]:
            text += f"; {sums['larger']} larger than the source (--keep-smaller leaves such sources alone)"
        return text

    def _remark(self, outcome: Outcome) -> str:
        result = outcome.result if outcome.status == "ok" else None
        larger = self.verb == "encode" and result and result.bytes_out > result.bytes_in > 0
        return "  larger than the source" if larger else ""

    def _print(self, text: str, *, err: bool = False) -> None:
        echo(text, err=err or self.binary)
