"""Configuration of the wavelet family, and the settings that files carry of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple

from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.models.config import HpcmConfig

PARTS = {"bands": 1, "weconv": 2, "band_hyperprior": 3}
"""Parts of the network -> the first phase that has them."""


class Flag(NamedTuple):
    """A boolean field of the configuration: its bit in the header's wavelet_flags, and the part that it is about.
    `choice`: both values take the same weights, so that a model may leave it to the encoder."""

    bit: int
    part: str
    choice: bool = False


FLAGS = {
    "skip_s3_for_hf": Flag(4, "bands", choice=True),
    "use_simple_weconv": Flag(6, "weconv"),
}


@dataclass(frozen=True)
class WaveletConfig:
    """A network that codes the Haar bands of its latent, at a fixed rate.

    base: transforms, hyperprior and context as in the HPCM family; the windows are those of the bands.
    phase: 1, bands alone; 2, and WeConv blocks in the transforms; 3, and a hyperprior on the bands.
    skip_s3_for_hf: the high bands take one step at scale 3 instead of six.
    use_simple_weconv: the blocks are the simple ones, otherwise the full ones.
    choices: fields that an encoder may set otherwise, since training has seen both values.
    """

    family: ClassVar[str] = "wavelet"

    base: HpcmConfig
    phase: Literal[1, 2, 3] = 1
    skip_s3_for_hf: bool = False
    use_simple_weconv: bool = True
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        base = self.base
        if base.context.hyper_placement != "aligned" or base.transform.naming != "branch":
            _refuse("its base needs aligned hyper parameters and layers named in branches")
        if base.memory is not None or base.rwkv is not None:
            _refuse("its base cannot have a memory bank or RWKV parts")
        possible = [name for name, flag in FLAGS.items() if flag.choice and self.has(flag.part)]
        if not set(self.choices) <= set(possible):
            _refuse(f"choices can be {', '.join(possible)}")
        defaults = {field.name: field.default for field in fields(self)}
        for name, flag in FLAGS.items():
            if not self.has(flag.part) and getattr(self, name) != defaults[name]:
                _refuse(f"{name} is of phase {PARTS[flag.part]} and later, this is phase {self.phase}")

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
        return 6 if self.skip_s3_for_hf and "skip_s3_for_hf" not in self.choices else 11

    @property
    def flags(self) -> dict[str, bool]:
        """The flags of the parts that the phase has."""
        return {name: getattr(self, name) for name, flag in FLAGS.items() if self.has(flag.part)}

    @property
    def settings(self) -> dict[str, int]:
        """What files carry, by the names of `formats.header.SETTINGS`."""
        return {"phase": self.phase, "wavelet_flags": _joined(self.flags)}

    @property
    def adjustable(self) -> frozenset[str]:
        """Settings whose value in a file may differ from the model's."""
        return frozenset({"wavelet_flags"} if self.choices else ())

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
        value = settings["wavelet_flags"]
        wanted = {name: bool(value >> FLAGS[name].bit & 1) for name in self.flags}
        changes: dict[str, Any] = {name: on for name, on in wanted.items() if on != getattr(self, name)}
        made = replace(self, **changes)
        if made.settings["wavelet_flags"] != value or not changes.keys() <= set(self.choices):
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
