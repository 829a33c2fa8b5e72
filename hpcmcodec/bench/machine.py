"""The machine that a comparison runs on: what it is, which of its processors to measure on, whether it is quiet."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_BUSY_SHARE = 0.25
"""Of the processors kept in use by others, from which times are not to be trusted."""


def choose_processors(threads: int) -> tuple[int, ...]:
    """Numbers of as many processors as there are threads, of those that this process may use: each on a core of its own
    as far as there are enough, the last ones first, since systems like to do their own work on the first.

    Empty where the system cannot pin a process (anything but Linux) or all processors are wanted.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    if threads >= len(allowed):
        return ()
    of_core: dict[str, list[int]] = {}
    for number in allowed:
        of_core.setdefault(_core(number), []).append(number)
    rounds = zip_longest(*of_core.values())  # one of each core, then a second of each
    chosen = [number for numbers in rounds for number in numbers if number is not None]
    return tuple(sorted(chosen[:threads]))


def _core(number: int) -> str:
    """A name of the core that a processor is a part of; its own number where the system does not tell."""
    try:
        return Path(_TOPOLOGY.format(number)).read_text(encoding="ascii").strip()
    except OSError:
        return str(number)


@contextmanager
def pinned(processors: Sequence[int]) -> Iterator[None]:
    """Processes that this thread starts inside the block run on these processors only; no numbers: wherever they may.

    Numbers that are not there any more are passed over by the system; OSError if none of them is.
    """
    if not processors:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def load() -> float | None:
    """Processes that ran or wanted to, averaged over the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def of_others(load: float | None, threads: int = 0) -> float | None:
    """A load less that of `threads` of our own, if it is enough to spoil times, else None."""
    others = 0.0 if load is None else load - threads
    return others if others > _BUSY_SHARE * (os.cpu_count() or 1) else None


def processor_name() -> str:
    """The model of the processor, in the words of its maker."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
