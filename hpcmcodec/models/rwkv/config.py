"""Configuration of the RWKV parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hpcmcodec.errors import ModelFileError

_SIDES = (4, 8, 16, 32, 64)


@dataclass(frozen=True)
class RwkvConfig:
    """Which parts of the context model are made of RWKV blocks.

    phase: 1 the context's fusion at scale 3; 2 at all scales; 3 and the networks between scales; 4 and the spatial
    priors. In lite: 1 the blocks of the context's stage at scale 3, 2 those of both stages.   added: in lite, blocks
    behind a stage's own, which stay; 0: as many as it has in their place.   cell_rates: hidden width
    of the channel mixing over the channels, for the fusion at scales 1, 2, 3 (lite: the stages' blocks); fusion_rate,
    prior_rate: the same between scales and in the priors.   fusion_blocks: blocks between scales.
    coarse_prior_blocks, fine_prior_blocks: blocks before and after a prior's adaptive vector.
    scan: "window" reads windows of `windows` positions a side, per scale, in raster order; "cross" half of the channels
    along rows and half along columns.   gamma: initial gain of the blocks' residuals, 0 for identities (training only).
    merged: the neighbourhoods are one 5x5 kernel, as in every model file, and not the four branches that are trained.
    """

    phase: Literal[1, 2, 3, 4] = 1
    cell_rates: tuple[int, int, int] = (2, 3, 4)
    fusion_rate: int = 4
    fusion_blocks: int = 1
    prior_rate: int = 4
    coarse_prior_blocks: tuple[int, int] = (2, 1)
    fine_prior_blocks: tuple[int, int] = (3, 2)
    scan: Literal["window", "cross"] = "window"
    windows: tuple[int, int, int] = (4, 8, 16)
    gamma: float = 0.0
    added: int = 0
    merged: bool = False

    def __post_init__(self) -> None:
        if not all(1 <= rate <= 16 for rate in (*self.cell_rates, self.fusion_rate, self.prior_rate)):
            raise ModelFileError("model config: rwkv: hidden rates must be 1 to 16")
        counts = (self.added, self.fusion_blocks, *self.coarse_prior_blocks, *self.fine_prior_blocks)
        if not all(0 <= count <= 64 for count in counts):
            raise ModelFileError("model config: rwkv: block counts must be 0 to 64")
        if not all(side in _SIDES for side in self.windows):
            raise ModelFileError(f"model config: rwkv: windows must be {', '.join(map(str, _SIDES))} wide")
        if not -16 <= self.gamma <= 16:
            raise ModelFileError("model config: rwkv: gamma must be -16 to 16")

    def check_lite(self) -> None:
        """Raises ModelFileError for what lite has no place for; its scales 1 and 2 share their blocks."""
        if self.phase > 2 or self.cell_rates[0] != self.cell_rates[1] or self.windows[0] != self.windows[1]:
            raise ModelFileError("model config: rwkv in lite: phase 1 or 2, the same rate and window at scales 1 and 2")
