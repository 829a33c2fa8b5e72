"""Configuration of the memory bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hpcmcodec.errors import ModelFileError

HEAD = 32
"""Channels of a head of phase 3."""


@dataclass(frozen=True)
class MemoryConfig:
    """A memory bank.

    phase: 1 recalls at scale 3; 2 at scales 2 and 3, scale 1 writes, and coarser banks reach finer scales; 3 as 2
    with linear attention over the positions of all entries instead of a selection.
    max_refs: entries held at scales 1, 2, 3; 0 for no bank.   topk: entries recalled at a position, 0 in phase 3.
    compress_ratio, value_ratio: the context's channels over those of a key and of a value.   temperature: of the
    selection's softmax, rounded to binary32.   transfer_refs: newest entries handed to the next scale, 0 for none.
    select: 0 at every position, 1 once for all of them (phases 1 and 2).
    """

    phase: Literal[1, 2, 3] = 1
    max_refs: tuple[int, int, int] = (0, 0, 4)
    topk: int = 2
    compress_ratio: Literal[1, 2, 4, 8] = 4
    value_ratio: Literal[1, 2, 4, 8] = 1
    temperature: float = 0.1
    transfer_refs: int = 0
    select: Literal[0, 1] = 0

    def __post_init__(self) -> None:
        refs = self.max_refs
        if not all(0 <= count <= 8 for count in refs) or refs[2] < 2:
            _refuse(f"max_refs {list(refs)} must be 0 to 8 entries a scale, at least 2 at scale 3")
        if self.phase == 1 and (refs[0] or refs[1] or self.transfer_refs):
            _refuse("phase 1 has a bank at scale 3 only")
        if not 0 <= self.transfer_refs <= 8:
            _refuse(f"transfer_refs {self.transfer_refs} must be 0 to 8")
        if self.phase == 3 and (self.topk or self.select):
            _refuse("phase 3 recalls all entries: topk and select are 0")
        if self.phase != 3 and not 2 <= self.topk <= min(count for count in refs[1:] if count):
            _refuse(f"topk {self.topk} must be at least 2 and at most max_refs, of each scale that recalls")
        object.__setattr__(self, "temperature", float(np.float32(self.temperature)))
        if not np.float32(0.01) <= np.float32(self.temperature) <= 10:
            _refuse(f"temperature {self.temperature} must be 0.01 to 10")

    def check_channels(self, channels: tuple[int, ...]) -> None:
        """Raises ModelFileError where the contexts' channels do not divide into keys and values."""
        if self.phase == 3 and min(channels) % (self.compress_ratio * HEAD):
            _refuse(f"{min(channels)} / {self.compress_ratio} channels are no multiple of {HEAD}, a head's")
        if self.phase != 3 and any(count % self.compress_ratio or count % self.value_ratio for count in channels):
            _refuse(f"channels {list(channels)} are no multiples of compress_ratio and value_ratio")


def _refuse(problem: str) -> None:
    raise ModelFileError(f"model config: memory bank: {problem}")
