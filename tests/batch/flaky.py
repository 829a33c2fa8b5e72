"""Jobs for the tests of engines; a module of its own, which workers import."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from hpcmcodec.batch import Converted, Task
from hpcmcodec.errors import CorruptError, StorageError


@dataclass(frozen=True)
class FlakyJob:
    """Writes the number of its attempt into the destination. By the source's name: `twice` fails two times, `broken`
    and `always` each time, `deadly` kills its worker."""

    folder: Path

    def __call__(self, task: Task, gate: object) -> Converted:
        name = task.source.name
        attempts = self.folder / f"{name}.attempts"
        with attempts.open("ab") as file:
            file.write(b"x")
        count = attempts.stat().st_size
        if name == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "broken":
            raise CorruptError("damaged")
        if name == "always" or (name == "twice" and count <= 2):
            raise StorageError(f"{name}: throttled")
        return Converted(1, 1, bytes_in=1, bytes_out=count, seconds=0, coded_bytes=count, coded_pixels=1)
