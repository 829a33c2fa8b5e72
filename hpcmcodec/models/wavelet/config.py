"""Configuration of the wavelet family, and the settings that files carry of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple

from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.wavelet.checkerboard import GROUPS

PARTS = {"bands": 1, "weconv": 2, "band_hyperprior": 3, "frequency": 4, "checkerboard": 5}
"""Parts of the network -> the first phase that has them."""


LAST_PHASE = 5


class Flag(NamedTuple):
    """A boolean of the configuration: its bit in the header's wavelet_flags, the part that it is about, and the last
    phase that has it. `choice`: both values take the same weights, so that a model may leave it to the encoder."""

    bit: int
    part: str
    choice: bool = False
    last: int = LAST_PHASE


FLAGS = {
    "checkerboard": Flag(0, "checkerboard"),
    "checkerboard_rotate": Flag(1, "checkerboard", choice=True),
    "use_enhanced_context": Flag(2, "checkerboard"),
    "lightweight_context": Flag(3, "checkerboard"),
    "skip_s3_for_hf": Flag(4, "bands", choice=True, last=4),
    "use_adaptive_quant": Flag(5, "frequency"),
    "use_simple_weconv": Flag(6, "weconv"),
}
NUMBERS = {"checkerboard_groups": Flag(-1, "checkerboard", choice=True), "attention_heads": Flag(-1, "frequency")}
"""Fields that are settings of their own in the header, without a bit."""


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
    choices: fields that an encoder may set otherwise, since training has seen both values.
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
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        base = self.base
        if base.context.hyper_placement != "aligned" or base.transform.naming != "branch":
            _refuse("its base needs aligned hyper parameters and layers named in branches")
        if base.memory is not None or base.rwkv is not None:
            _refuse("its base cannot have a memory bank or RWKV parts")
        possible = [name for name, flag in (FLAGS | NUMBERS).items() if flag.choice and self._knows(flag)]
        if not set(self.choices) <= set(possible):
            _refuse(f"choices can be {', '.join(possible)}")
        defaults = {field.name: field.default for field in fields(self)}
        for name, flag in (FLAGS | NUMBERS).items():
            if not self._knows(flag) and getattr(self, name) != defaults.get(name, False):
                _refuse(f"{name} is of phases {PARTS[flag.part]} to {flag.last}, this is phase {self.phase}")
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

    def _knows(self, flag: Flag) -> bool:
        return PARTS[flag.part] <= self.phase <= flag.last

    @property
    def latent_channels(self) -> int:
        """Channels M of the latent and of each of its bands."""
        return self.base.latent_channels

    @property
    def high_steps(self) -> int:
        """Steps of the high bands that there are networks for."""
        return 6 if self.skip_s3_for_hf and "skip_s3_for_hf" not in self.choices else 11

    @property
    def flags(self) -> dict[str, bool]:
        """The flags that the phase has."""
        return {name: getattr(self, name) for name, flag in FLAGS.items() if self._knows(flag)}

    @property
    def settings(self) -> dict[str, int]:
        """What files carry, by the names of `formats.header.SETTINGS`."""
        numbers = {name: getattr(self, name) for name, flag in NUMBERS.items() if self._knows(flag)}
        return {"phase": self.phase, "wavelet_flags": _joined(self.flags), **numbers}

    @property
    def adjustable(self) -> frozenset[str]:
        """Settings whose value in a file may differ from the model's."""
        return frozenset(name if name in NUMBERS else "wavelet_flags" for name in self.choices)

    def as_stored(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as files carry them, of some that name flags. Raises UsageError for flags that cannot be so."""
        own, wanted = self.flags, {name: value for name, value in given.items() if name in FLAGS}
        for name, value in wanted.items():
            if name not in own:
                raise UsageError(f"these settings do not belong to the model: phase {self.phase} has no {name}")
            if value != own[name] and name not in self.choices:
                raise UsageError(f"this model was trained with {name} {'on' if own[name] else 'off'} and cannot change")
        rest = {name: value for name, value in given.items() if name not in FLAGS}
        return {**rest, "wavelet_flags": _joined({**own, **wanted})} if wanted else rest

    def changed(self, settings: Mapping[str, Any]) -> WaveletConfig:
        """This configuration with other values of adjustable settings. Raises ModelFileError for impossible ones."""
        wanted = {name: value for name, value in settings.items() if name in NUMBERS}
        value = settings.get("wavelet_flags", self.settings["wavelet_flags"])
        wanted |= {name: bool(value >> FLAGS[name].bit & 1) for name in self.flags}
        changes: dict[str, Any] = {name: new for name, new in wanted.items() if new != getattr(self, name)}
        made = replace(self, **changes) if changes.keys() <= set(self.choices) else self
        if made.settings["wavelet_flags"] != value:
            _refuse(f"wavelet_flags {value} are not those it was trained for")
        return made


def _joined(flags: Mapping[str, bool]) -> int:
    """wavelet_flags with these values in their bits."""
    return sum(on << FLAGS[name].bit for name, on in flags.items())


def flag_names(value: int) -> list[str]:
    """Names of the fields whose bits are set in wavelet_flags."""
    return [name for name, flag in FLAGS.items() if value >> flag.bit & 1]


def _refuse(problem: str) -> None:
    raise ModelFileError(f"model config: wavelet: {problem}")
