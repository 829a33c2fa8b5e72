"""The memory of a whole traversal: one bank at a time, written and read by the networks of its scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hpcmcodec.models.multiref.bank import Bank, DeepMemory, PlainMemory, Transfer, push
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.multiref.linear import LinearMemory
from hpcmcodec.models.schedule import Step
from hpcmcodec.nn.module import Array, Module


class Memory(Module):
    """Networks of the bank at every scale that has one; parameters are named `memory_s3.key.weight` and the like.

    channels: of the context at scales 1, 2, 3. doubles: whether scales 2 and 3 have twice the grid of the scale before.
    """

    def __init__(self, config: MemoryConfig, channels: tuple[int, int, int], doubles: tuple[bool, bool]) -> None:
        config.check_channels(channels if config.phase > 1 else channels[2:])
        self.config = config
        self.scales: dict[int, Any] = {}
        self.transfers: dict[int, Transfer] = {}
        if config.phase == 1:
            self.scales[3] = PlainMemory(config, channels[2])
        elif config.phase == 3:  # one space for all scales: summaries are handed on as they are
            width = min(channels) // config.compress_ratio
            self.scales = {s: LinearMemory(channels[s - 1], width, reads=s > 1) for s in (1, 2, 3)}
        else:
            self.scales = {s: DeepMemory(config, channels[s - 1], reads=s > 1) for s in (1, 2, 3)}
            self.transfers = {
                s: Transfer(config, channels[s - 2], channels[s - 1], doubles=doubles[s - 2]) for s in (2, 3)
            }

    def children(self) -> Iterator[tuple[str, Module]]:
        """The parts under the names of the specification."""
        yield from ((f"memory_s{scale}", part) for scale, part in self.scales.items())
        yield from ((f"memory_t{scale - 1}{scale}", part) for scale, part in self.transfers.items())

    def enter(self, scale: int, bank: Bank, context: Array) -> Bank:
        """The bank with which a scale begins, from the bank of the scale before and the scale's first context."""
        count = self.config.transfer_refs
        handed: Bank = bank[-count:] if count else ()
        if scale in self.transfers:
            handed = tuple(self.transfers[scale](entry) for entry in handed)
        room = self.config.max_refs[scale - 1]
        return push(handed, self.scales[scale].entry(context), room) if room else ()

    def step(self, step: Step, steps: int, bank: Bank, context: Array) -> tuple[Array, Bank]:
        """After a step, of `steps` in all: the context that the next one sees, and the bank.

        A bank of one entry holds nothing but the previous context, which the next context was made from already: it is
        not read. Nothing that nobody would read is written.
        """
        room = self.config.max_refs[step.scale - 1]
        if not room or step.index == steps - 1:
            return context, ()
        if step.scale > 1 and len(bank) > 1:
            context = self.scales[step.scale].read(bank, context)
        if step.index < steps - 2:
            bank = push(bank, self.scales[step.scale].entry(context), room)
        return context, bank
