"""Options of a command as fields of a dataclass: both command lines take theirs from there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, field, fields
from typing import Any

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def option(
    default: Any,
    help: str,
    parse: Callable[[str], Any] = str,
    metavar: str | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """A field with what a command line needs to know: help, how to read the text, its placeholder, allowed values.

    A default of False makes a flag, MISSING a required option.
    """
    metadata = {"help": help, "parse": parse, "metavar": metavar or "|".join(choices or ()), "choices": choices}
    metadata["network"] = None
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def network_switch(help: str) -> Any:
    """A boolean field of the network's configuration, which `--x` and `--no-x` set; None leaves it as it is."""
    return _network(help, None, None)


def network_number(help: str) -> Any:
    """A whole number of the network's configuration; None leaves it as it is."""
    return _network(help, int, "N")


def _network(help: str, parse: Callable[[str], Any] | None, metavar: str | None) -> Any:
    text = f"Network: {help} Default: as the network has it."
    metadata = {"help": text, "network": (), "parse": parse, "choices": None, "metavar": metavar}
    return field(default=None, metadata=metadata)


def bank_setting(name: str, help: str, parse: Callable[[str], Any], metavar: str) -> Any:
    """A field `name` of the configuration of the network's memory bank; None leaves it as it is."""
    text = f"Memory bank: {help} Default: as the network has it."
    metadata = {"help": text, "network": ("memory", name), "parse": parse, "choices": None, "metavar": metavar}
    return field(default=None, metadata=metadata)


def counts(text: str) -> tuple[int, ...]:
    """One number for all scales, or one for each of the three: `4`, `0,3,4`. Raises ValueError."""
    found = tuple(int(part) for part in text.split(","))
    if len(found) not in (1, 3):
        raise ValueError(f"{text!r} is neither a number nor three with commas between them")
    return found


def seconds(text: str) -> float:
    """A duration in seconds: `90`, `90s`, `25m`, `1h30m`. Raises ValueError."""
    if not re.fullmatch(r"(\d+(\.\d+)?[smh])+|\d+(\.\d+)?", text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 25m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)([smh]?)", text))


def rates(text: str) -> tuple[tuple[str, float], ...]:
    """Learning rates by pattern: `ctx_=1e-3,^g_a=3e-4`. Raises ValueError."""
    found = []
    for part in text.split(","):
        pattern, equals, rate = part.rpartition("=")
        if not (pattern and equals):
            raise ValueError(f"{part!r} is not of the form PATTERN=RATE")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression ({error})") from None
        found.append((pattern, float(rate)))
    return tuple(found)


def slopes(text: str) -> tuple[float, float]:
    """Two slopes: `0.0012,0.15`. Raises ValueError."""
    low, high = (float(part) for part in text.split(","))
    if not 0 < low < high:
        raise ValueError(f"{text!r} is not of the form LOW,HIGH with 0 < LOW < HIGH")
    return low, high


def flag(name: str) -> str:
    """The option of a field: `batch_size` -> `--batch-size`, `lambda_` -> `--lambda`."""
    return "--" + name.rstrip("_").replace("_", "-")


RENAMED = {
    "--train-dataset": "--data",
    "--dataset": "--data",
    "--test-dataset": "--valid",
    "--save-path": "--out",
    "--pretrain": "--init",
    "--learning-rate": "--lr",
    "--lr-warmup": "--warmup",
    "--num-checkerboard-groups": "--checkerboard-groups",
    "--phase2-reg": "--inter-scale-reg",
    "--phase1-reg": "--spectral-reg",
}
"""Names that other training scripts and the founding documents have for options of ours."""


def renamed(arguments: Sequence[str]) -> list[str]:
    """A command line with our names for options: `--lr_warmup 5` is `--warmup 5`, `--freeze-except P` leaves out what
    matches. Raises ValueError for an option of epochs, which nothing here counts."""
    found: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        name = name.replace("_", "-") if name.startswith("--") else name
        if name in ("--epochs", "--truncation-epochs"):
            raise ValueError(f"{name}: runs are counted in steps here, not in epochs: --steps, --truncation-steps")
        if name == "--freeze-except":
            found += ["--freeze", f"^(?!.*({value if equals else next(rest, '')}))"]
        else:
            found.append(RENAMED.get(name, name) + equals + value)
    return found


def options(kind: Any) -> list[tuple[str, Field[Any]]]:
    """(flag, field) of every option of a dataclass, in order of definition."""
    return [(flag(f.name), f) for f in fields(kind)]


def described(option: Field[Any]) -> str:
    """Help text of an option with its default."""
    text = str(option.metadata["help"])
    shown = option.default is not MISSING and option.default is not None and option.default is not False
    return f"{text} Default: {option.default}." if shown else text
