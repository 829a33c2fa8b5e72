"""What a training run is told: one dataclass, from which both command lines take their options."""

# ruff: noqa: RUF009 (`_option` returns a dataclass field)

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hpcmcodec.errors import UsageError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
PATCH_MULTIPLE = 64  # a cell of lite's hyper-latent


def seconds(text: str) -> float:
    """A duration in seconds: `90`, `90s`, `25m`, `1h30m`. Raises ValueError."""
    if not re.fullmatch(r"(\d+(\.\d+)?[smh])+|\d+(\.\d+)?", text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 25m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)([smh]?)", text))


def _option(default: Any, help: str, parse: Callable[[str], Any] = str, metavar: str | None = None) -> Any:
    metadata = {"help": help, "parse": parse, "metavar": metavar}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True)
class RunConfig:
    """A run of `hpcm train`. Durations in seconds, sizes in pixels."""

    data: Path = _option(MISSING, "Folder of training pictures, searched in depth.", Path, "DIR")
    out: Path = _option(MISSING, "Folder of the run: checkpoint, metrics, picture cache.", Path, "RUN")
    init: str | None = _option(None, "Model to start from: a name or a file. Default: statistics.", str, "MODEL")
    preset: str | None = _option(None, "Network to start from statistics, without --init: lite.", str, "NAME")
    start_crops: int = _option(320, "Crops whose statistics are taken for that.", int, "N")
    valid: Path | None = _option(None, "Folder of pictures for validation.", Path, "DIR")
    cache: Path | None = _option(None, "Folder for the decoded pictures. Default: the run's.", Path, "DIR")
    resume: bool = _option(False, "Go on from RUN's checkpoint, if there is one.")
    time_budget: float | None = _option(None, "Training time of all calls together, such as 25m.", seconds, "TIME")
    steps: int | None = _option(None, "Steps of all calls together.", int, "N")
    chunk: float | None = _option(None, "End this call after so long; go on with --resume.", seconds, "TIME")
    batch_size: int = _option(4, "Crops per step.", int, "N")
    patch_size: int = _option(256, "Side of a crop, a multiple of 64.", int, "PIXELS")
    reduce: float = _option(0.25, "Share of crops that are reduced 1.2 to 2 times.", float, "SHARE")
    lr: float = _option(6e-4, "Learning rate of the networks.", float, "RATE")
    lr_fast: float = _option(3e-3, "Learning rate of tables and neighbour weights.", float, "RATE")
    lr_linear: float = _option(1e-5, "Learning rate of the linear transform.", float, "RATE")
    freeze: str | None = _option(None, "Leave parameters as they are whose names match.", str, "PATTERN")
    warmup: int = _option(20, "Steps over which learning rates rise.", int, "N")
    decay: float = _option(0.4, "Last share of the budget, in which they fall to zero.", float, "SHARE")
    ema: float = _option(0.998, "Decay of the averaged weights, which are the result.", float, "DECAY")
    clip: float = _option(5.0, "Largest norm of the gradient.", float, "NORM")
    rdo: float = _option(0.7, "Strength of rate-distortion optimised rounding, 0 for none.", float, "STRENGTH")
    seed: int = _option(0, "Seed of crops, qualities and noise.", int, "N")
    device: str = _option("cpu", "Where to compute: cpu, cuda, cuda:1.", str, "DEVICE")
    threads: int | None = _option(None, "Threads of torch on the CPU.", int, "N")
    log_every: int = _option(25, "Steps per line of metrics.", int, "N")
    save_every: float = _option(300.0, "Time between checkpoints.", seconds, "TIME")
    valid_every: float = _option(600.0, "Time between validations.", seconds, "TIME")

    def __post_init__(self) -> None:
        if self.steps is None and self.time_budget is None:
            raise UsageError("say how long to train: --time-budget 25m, --steps 10000, or both")
        if self.patch_size < PATCH_MULTIPLE or self.patch_size % PATCH_MULTIPLE:
            raise UsageError(f"--patch-size must be a multiple of {PATCH_MULTIPLE}, not {self.patch_size}")
        for name in ("batch_size", "start_crops", "log_every", "clip", "lr", "warmup"):
            self._check(name, getattr(self, name) > 0, "must be positive")
        for name in ("steps", "threads", "time_budget", "chunk"):
            self._check(name, getattr(self, name) is None or getattr(self, name) > 0, "must be positive")
        for name in ("lr_fast", "lr_linear", "rdo", "seed", "save_every", "valid_every"):
            self._check(name, getattr(self, name) >= 0, "must not be negative")
        for name in ("reduce", "decay", "ema"):
            self._check(name, 0 <= getattr(self, name) <= 1, "must be between 0 and 1")
        self._check("ema", self.ema < 1, "must be below 1")
        if self.init is not None and self.preset is not None:
            raise UsageError("--init and --preset exclude each other: a model brings its network")
        try:
            re.compile(self.freeze or "")
        except re.error as error:
            raise UsageError(f"--freeze {self.freeze!r} is not a regular expression ({error})") from None

    @staticmethod
    def _check(name: str, fine: bool, rule: str) -> None:
        if not fine:
            raise UsageError(f"{flag(name)} {rule}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def flag(name: str) -> str:
    """The option of a field: `batch_size` -> `--batch-size`."""
    return "--" + name.replace("_", "-")


def options() -> list[tuple[str, Field[Any]]]:
    """(flag, field) of every option, in order of definition. Metadata: help, parse (text -> value), metavar."""
    return [(flag(f.name), f) for f in fields(RunConfig)]


def described(option: Field[Any]) -> str:
    """Help text of an option with its default."""
    text = str(option.metadata["help"])
    shown = option.default is not MISSING and option.default is not None and option.default is not False
    return f"{text} Default: {option.default}." if shown else text
