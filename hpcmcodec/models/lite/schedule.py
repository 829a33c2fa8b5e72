"""The order in which `lite` codes its latent, and how many groups the finest scale takes.

The four slots of a grid (slots.py) are what HPCM codes at a scale: slot 0 is all that the coarser scales hold. Cut in
halves of the channels they are eight groups, whole they are four. Slots 0 and 1 together are one colour of a
checkerboard, since slot 1 is the diagonal of slot 0, and slots 2 and 3 the other: two groups. So at scale 3, where
slot 0 is known, 8 groups take six steps as in HPCM, 4 groups three and 2 groups two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcmcodec.models.schedule import Step
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array

GROUPS = (2, 4, 8)
PLAIN_GROUPS = 8
"""What networks without the choice have: HPCM's six steps at scale 3."""
COARSE_STEPS = 5
"""Steps of scales 1 and 2; scale 3 is all that follow."""


@dataclass(frozen=True)
class SlotStep(Step):
    """A step of lite: the channels `first .. first + count` of `slots` slots from slot `slot` on, of the whole latent
    (scale 3) or of its slot 0 (scales 1 and 2). `stage_step` counts steps within the context stage."""

    slot: int
    first: int
    count: int
    stage_step: int
    slots: int = 1

    @property
    def elements(self) -> int:
        """Channels of what the step codes: those of its first slot, then those of the next."""
        return self.slots * self.count

    def completes(self, m: int) -> bool:
        """Whether the step's slots are known as a whole after it. m: channels of the latent."""
        return self.first + self.count == m

    def repeated(self, v: Array) -> Array:
        """A vector (N, count) over the channels, once for every slot: (N, elements)."""
        return ops.concat([v] * self.slots) if self.slots > 1 else v


def lite_schedule(m: int, groups: int = PLAIN_GROUPS) -> tuple[SlotStep, ...]:
    """The steps of a latent of m channels: two at scale 1, three at scale 2, then those of the groups at scale 3."""
    half = m // 2
    steps = [SlotStep(0, 1, 0, 0, half, 0), SlotStep(1, 1, 0, half, half, 1)]
    steps += [SlotStep(1 + k, 2, k, 0, m, 1 + k) for k in (1, 2, 3)]
    for t, (slot, slots, first, count) in enumerate(_fine(m, groups)):
        steps.append(SlotStep(COARSE_STEPS + t, 3, slot, first, count, t, slots))
    return tuple(steps)


def _fine(m: int, groups: int) -> list[tuple[int, int, int, int]]:
    """(first slot, slots, first channel, channels) of every step at scale 3."""
    if groups == 2:
        return [(1, 1, 0, m), (2, 2, 0, m)]
    parts = groups // 4
    return [(slot, 1, part * m // parts, m // parts) for slot in (1, 2, 3) for part in range(parts)]


def shape_of(steps: Sequence[SlotStep], before: int) -> tuple[list[int], list[int], list[int]]:
    """Of every step of a stage: the channels decoded before it, its own, and the slots known. `before`: channels of
    the slot 0 that was decoded by a coarser stage, 0 if none was."""
    outputs = [step.elements for step in steps]
    known = [step.slot for step in steps]  # slots are coded in order, so the earlier ones are complete
    return [before, *outputs[:-1]], outputs, known
