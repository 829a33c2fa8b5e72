"""The other end of a worker: starts it, asks it, and notices when it dies or hangs."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from hpcmcodec.bench.codecs import Settings, Unavailable
from hpcmcodec.bench.machine import pinned

_START_SECONDS = 300.0
_THREAD_VARIABLES = ("HPCM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Ctrl-C is for the process that asks; Windows knows no sessions.
if sys.platform == "win32":
    _APART = subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _APART = 0


class WorkerError(Exception):
    """The worker died or did not answer in time; it has to be started anew."""


class Worker:
    """A codec in a process of its own. `label`, `version`, `about` and `settings` are the codec's."""

    def __init__(
        self, spec: str, threads: int = 1, processors: Sequence[int] = (), command: Sequence[str] | None = None
    ) -> None:
        """Starts it, on these processors only if numbers are given. Raises Unavailable where the codec is not there,
        WorkerError where it fails at once."""
        self.spec = spec
        # -P: else modules in the working folder, which may be anybody's, came before the library's own.
        command = command or [sys.executable, "-P", "-m", "hpcmcodec.bench.worker", spec, str(threads)]
        environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(threads))
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        with pinned(processors):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=environment,
                text=True,
                start_new_session=True,
                creationflags=_APART,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            found = self._receive(_START_SECONDS)
            if "unavailable" in found:
                raise Unavailable(found["unavailable"])
        except BaseException:
            self.close()
            raise
        self.label, self.version, self.about = (str(found[name]) for name in ("label", "version", "about"))
        self.settings = Settings.from_dict(found["settings"])

    def ask(self, operation: str, timeout: float, **values: Any) -> dict[str, Any]:
        """The answer, which has "error" where this one request failed. Raises WorkerError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"op": operation, **values}) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise WorkerError(self._last_words()) from None
        return self._receive(timeout)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            with suppress(OSError):
                stream.close()  # type: ignore[union-attr]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._answers.put(line)
        except ValueError:
            pass  # closed meanwhile
        self._answers.put("")

    def _receive(self, timeout: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise WorkerError(f"no answer within {timeout:g} s") from None
        if not line:
            raise WorkerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """How the process ended and the last line that it wrote to standard error."""
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        ended = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"{ended}: {lines[-1]}" if lines else ended
