"""Options of a command as fields of a dataclass: both command lines take theirs from there."""

from __future__ import annotations

import re
from collections.abc import Callable
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
    metadata["network"] = False
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def network_switch(help: str) -> Any:
    """A boolean field of the network's configuration, which `--x` and `--no-x` set; None leaves it as it is."""
    return _network(help, None, None)


def network_number(help: str) -> Any:
    """A whole number of the network's configuration; None leaves it as it is."""
    return _network(help, int, "N")


def _network(help: str, parse: Callable[[str], Any] | None, metavar: str | None) -> Any:
    text = f"Network: {help} Default: as the network has it."
    metadata = {"help": text, "network": True, "parse": parse, "choices": None, "metavar": metavar}
    return field(default=None, metadata=metadata)


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


def options(kind: Any) -> list[tuple[str, Field[Any]]]:
    """(flag, field) of every option of a dataclass, in order of definition."""
    return [(flag(f.name), f) for f in fields(kind)]


def described(option: Field[Any]) -> str:
    """Help text of an option with its default."""
    text = str(option.metadata["help"])
    shown = option.default is not MISSING and option.default is not None and option.default is not False
    return f"{text} Default: {option.default}." if shown else text
