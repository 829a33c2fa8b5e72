"""Configuration of the wavelet family."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal, NamedTuple

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.wavelet.checkerboard import GROUPS

PARTS = {"bands": 1, "weconv": 2, "band_hyperprior": 3, "frequency": 4, "checkerboard": 5}
"""Parts of the network -> the first phase that has them."""


LAST_PHASE = 5


class Option(NamedTuple):
    """A field of the configuration that not every phase has: the part that it is about, and the last phase."""

    part: str
    last: int = LAST_PHASE


OPTIONS = {
    "checkerboard_groups": Option("checkerboard"),
    "checkerboard_rotate": Option("checkerboard"),
    "use_enhanced_context": Option("checkerboard"),
    "lightweight_context": Option("checkerboard"),
    "attention_heads": Option("frequency"),
    "use_adaptive_quant": Option("frequency"),
    "use_simple_weconv": Option("weconv"),
    "skip_s3_for_hf": Option("bands", last=4),
}


@dataclass(frozen=True)
class WaveletConfig:
    """A network that codes the Haar bands of its latent, at a fixed rate.

    base: transforms, hyperprior and context as in the HPCM family; the windows are those of the bands.
    phase: 1, bands alone; 2, and WeConv blocks in the transforms; 3, and a hyperprior on the bands; 4, and a context of
        the low band, attention to it, learned steps of the quantiser; 5, and a checkerboard for HPCM's traversal.
    skip_s3_for_hf: the high bands take one step at scale 3 instead of six.
    use_simple_weconv: the blocks are the simple ones, otherwise the full ones.
    use_adaptive_quant: steps of the quantiser are learned, otherwise 1.
    attention_heads: of the attention to the low band, a divisor of the latent's channels.
    checkerboard_groups: steps of each pass; checkerboard_rotate: every position has channels in all of them.
    use_enhanced_context: the large context networks and the context of several resolutions; lightweight_context:
        instead of it networks of a tenth of its weights.
    """

    family: ClassVar[str] = "wavelet"

    base: HpcmConfig
    phase: Literal[1, 2, 3, 4, 5] = 1
    skip_s3_for_hf: bool = False
    use_simple_weconv: bool = True
    use_adaptive_quant: bool = True
    attention_heads: int = 8
    checkerboard_groups: Literal[1, 2, 4, 8] = 4
    checkerboard_rotate: bool = False
    use_enhanced_context: bool = True
    lightweight_context: bool = False

    def __post_init__(self) -> None:
        base = self.base
        if base.context.hyper_placement != "aligned" or base.transform.naming != "branch":
            _refuse("its base needs aligned hyper parameters and layers named in branches")
        if base.memory is not None or base.rwkv is not None:
            _refuse("its base cannot have a memory bank or RWKV parts")
        defaults = {field.name: field.default for field in fields(self)}
        for name, option in OPTIONS.items():
            known = PARTS[option.part] <= self.phase <= option.last
            if not known and getattr(self, name) != defaults[name]:
                _refuse(f"{name} is of phases {PARTS[option.part]} to {option.last}, this is phase {self.phase}")
        if self.checkerboard_groups not in GROUPS:
            _refuse(f"checkerboard_groups must be {', '.join(map(str, GROUPS))}")
        if self.lightweight_context and not self.use_enhanced_context:
            _refuse("lightweight_context is a kind of enhanced context, which use_enhanced_context takes away")
        if not 1 <= self.attention_heads <= 64 or self.latent_channels % self.attention_heads:
            _refuse(f"attention_heads must be 1 to 64 and divide the {self.latent_channels} latent channels")

    @property
    def checkerboard(self) -> bool:
        """Whether the bands are traversed in checkerboard groups, not as in HPCM."""
        return self.has("checkerboard")

    def has(self, part: str) -> bool:
        """Whether the phase has this one of `PARTS`."""
        return self.phase >= PARTS[part]

    @property
    def latent_channels(self) -> int:
        """Channels M of the latent and of each of its bands."""
        return self.base.latent_channels

    @property
    def high_steps(self) -> int:
        """Steps of the high bands that there are networks for."""
        return 6 if self.skip_s3_for_hf else 11


def _refuse(problem: str) -> None:
    raise ModelFileError(f"model config: wavelet: {problem}")
