"""The traversal as data: which elements each coding step codes and which networks predict them.

HPCM, arXiv 2507.19125: two steps at scale 1 (a quarter of the latent's resolution), three at scale 2 (half), six at
scale 3 (full). Encoder, decoder and training all walk the same tuple of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpcmcodec.models.geometry import Pattern, checkerboard, eighths, quarters


@dataclass(frozen=True)
class Step:
    """One coding step: its place in the order (from 0) and the scale (1 coarsest .. 3) it belongs to."""

    index: int
    scale: int


@dataclass(frozen=True)
class ContextStep(Step):
    """A step of the HPCM family: its pattern on the scale's grid, and the entries of the networks' lists that it uses.

    `adaptor` indexes the scale's list of adaptors, `gain` the list of adaptive vectors. Both are None for the first
    step, which uses the hyper parameters alone.
    """

    pattern: Pattern
    adaptor: int | None
    gain: int | None


# The order in which scales 2 and 3 use their adaptors. Official code indexes the lists one too low, so the first
# step of a scale takes the last entry; trained weights depend on it. The adaptive vectors are in plain order.
_ADAPTORS_SCALE2 = (2, 0, 1)
_ADAPTORS_SCALE3 = (5, 0, 1, 2, 3, 4)


def hpcm_schedule() -> tuple[ContextStep, ...]:
    """The eleven steps of the official networks: they partition all latents into 2/32, 3/16 and 6/8."""
    steps = [ContextStep(0, 1, checkerboard(0), None, None), ContextStep(1, 1, checkerboard(1), 0, 0)]
    for n, adaptor in enumerate(_ADAPTORS_SCALE2):
        steps.append(ContextStep(2 + n, 2, quarters(3 - n), adaptor, 1 + n))
    for n, adaptor in enumerate(_ADAPTORS_SCALE3):
        steps.append(ContextStep(5 + n, 3, eighths(2 + n), adaptor, 4 + n))
    return tuple(steps)
