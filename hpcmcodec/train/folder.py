"""Which folders a run may write into: new ones, empty ones, those of runs; none of pictures or of anything else."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from hpcmcodec.errors import OutputError, UsageError

from . import checkpoint, metrics, plot
from .config import RunConfig

_OF_A_RUN = (
    f"{checkpoint.NAME}*",
    checkpoint.LIST,
    metrics.NAME,
    plot.NAME,
    "pictures-*.bin",
    "pictures-*.part",
    "latents-*",
)


def check_folder(config: RunConfig) -> None:
    """Raises UsageError where the run's folder is one that it reads from, OutputError where it is something else's."""
    real = config.out.resolve()
    for option, folder in (("data", config.data), ("valid", config.valid)):
        if folder is not None and Path(folder).resolve() == real:
            raise UsageError(f"--out {config.out} is the folder of --{option}: a run needs one of its own")
    try:
        names = [path.name for path in config.out.iterdir()] if config.out.exists() else []
    except OSError as error:
        raise OutputError(f"cannot use {config.out}: {error.strerror or error}") from error
    strange = sorted(name for name in names if not any(fnmatch(name, pattern) for pattern in _OF_A_RUN))
    if strange and not checkpoint.exists(config.out):
        raise OutputError(f"{config.out} exists and is no run's folder: it holds {strange[0]}; choose another --out")
