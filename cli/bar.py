"""The bar of progress: over all files by their pixels, and within a file as soon as it takes more than a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from hpcmcodec.cli import text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

AFTER_SECONDS = 1.0
_EVERY_SECONDS = 0.1
_SIZING_SECONDS = 1.0
_NARROW = 70


class Bar:
    """Shows how far some files are, where standard error is a terminal; a context manager. Safe to call from threads.

    files: all that there are. pixels: how many pixels a file has, None if it cannot be told; asked for a second, and
    what is not known by then counts like the mean of the others.
    """

    def __init__(
        self, verb: str, files: Iterable[Hashable], pixels: Callable[[Any], int | None], *, quiet: bool
    ) -> None:
        self.enabled = not quiet and text.is_terminal(sys.stderr)
        self._verb, self._pixels = verb, pixels
        self._weights: dict[Hashable, float] = dict.fromkeys(files, 1.0)
        self._shares: dict[Hashable, float] = {}
        self._done, self._count, self._failed = 0.0, 0, 0
        self._start, self._last = time.monotonic(), 0.0
        self._stack, self._lock = ExitStack(), threading.RLock()
        self._progress: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Bar:
        if self.enabled:
            self._weigh()
            if len(self._weights) > 1:
                self._show()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._lock:
            self.enabled = False
            text.above = None
            self._stack.close()
            self._progress = None

    def tell(self, file: Hashable, share: float) -> None:
        """This share of a file is done."""
        now = time.monotonic()
        with self._lock:
            self._shares[file] = share
            if not self.enabled or now - self._last < _EVERY_SECONDS:
                return
            self._last = now
            if self._progress is None and now - self._start > AFTER_SECONDS:
                self._show()
            self._update()

    def finish(self, file: Hashable, *, failed: bool = False) -> None:
        """A file is done."""
        with self._lock:
            self._shares.pop(file, None)
            self._done += self._weights.get(file, 0.0)
            self._count += 1
            self._failed += failed
            self._update()

    def _weigh(self) -> None:
        known: dict[Hashable, int] = {}
        stop = time.monotonic() + _SIZING_SECONDS
        if len(self._weights) > 1:
            for file in self._weights:
                found = self._pixels(file)
                if found:
                    known[file] = found
                if time.monotonic() > stop:
                    break
        mean = sum(known.values()) / len(known) if known else 1.0
        self._weights = {file: known.get(file, mean) for file in self._weights}

    def _show(self) -> None:
        self._progress = shown = self._stack.enter_context(_progress())
        text.above = lambda line: shown.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._bar = self._progress.add_task(self._verb, total=sum(self._weights.values()), count="", failed="")

    def _update(self) -> None:
        if self._progress is None or self._bar is None:
            return
        running = sum(share * self._weights.get(file, 0.0) for file, share in self._shares.items())
        files = len(self._weights)
        self._progress.update(
            self._bar,
            completed=self._done + running,
            count=f"{self._count}/{files}" if files > 1 else "",
            failed=f"[red]{self._failed} failed" if self._failed else "",
        )


def _progress() -> Progress:
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    wide = console.width >= _NARROW
    columns: list[Any] = [progress.TextColumn("{task.description}")] if wide else []
    columns += [progress.BarColumn(40 if wide else 10), progress.TaskProgressColumn()]
    columns += [progress.TextColumn("{task.fields[count]}"), progress.TextColumn("ETA")]
    columns += [progress.TimeRemainingColumn(), progress.TextColumn("{task.fields[failed]}")]
    return progress.Progress(*columns, console=console, redirect_stdout=False, redirect_stderr=False, transient=True)
