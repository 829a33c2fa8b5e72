"""What a codec is to the benchmark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hpcmcodec.bench.metrics import Pixels


class Unavailable(Exception):
    """A codec cannot be used here; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """The values of a codec's quality setting: those of a sweep, from small files to large ones, and what it may be.

    lossless: the decoded picture is the picture itself, whatever the setting.
    """

    sweep: tuple[float, ...]
    low: float
    high: float
    step: float = 1
    lossless: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Inverse of `to_dict`."""
        return cls(**{**values, "sweep": tuple(values["sweep"])})

    def points(self, count: int | None) -> tuple[float, ...]:
        """`count` values spread over the sweep (None: all of it); a codec of few rates has fewer."""
        if count is None or len(self.sweep) == 1:
            return self.sweep
        places = np.linspace(0, len(self.sweep) - 1, count)
        values = np.interp(places, np.arange(len(self.sweep)), self.sweep)
        return tuple(dict.fromkeys(self.nearest(float(value)) for value in values))

    def nearest(self, value: float) -> float:
        """The allowed value next to this one."""
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return round(self.low + steps * self.step, 6)

    def allows(self, value: float) -> bool:
        """Whether a user may ask for this value."""
        return self.low <= value <= self.high and self.nearest(value) == value

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return asdict(self)


NOTHING_TO_SET = Settings((0,), 0, 0, lossless=True)
"""Of codecs that have nothing to set and lose nothing."""


class Codec(ABC):
    """An encoder and its decoder, with everything but the quality fixed.

    label: for tables and plots.   version: of whatever decides the bytes; results of another version are not reused.
    about: the settings in words.   settings: the quality's values.
    """

    label: str
    version: str
    about: str
    settings: Settings

    @abstractmethod
    def encode(self, pixels: Pixels, setting: float) -> bytes:
        """The whole file of a picture (H, W, 3)."""

    @abstractmethod
    def decode(self, data: bytes) -> Pixels:
        """The picture of a file that `encode` made."""

    def entropy_seconds(self) -> float | None:
        """Time that the last call spent in entropy coding; None if that is not known apart."""
        return None
