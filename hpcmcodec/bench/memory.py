"""Peak memory of this process."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Around work: `peak` is afterwards the most memory in bytes that the process had resident meanwhile.

    All of the process, interpreter and libraries included. Where the system cannot forget an earlier peak (anything but
    Linux), it is the most since the process began; None where it is not told at all.
    """

    peak: int | None = None

    def __enter__(self) -> PeakMemory:
        with suppress(OSError):
            _RESET.write_text("5")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.peak = _peak()


def _peak() -> int | None:
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
