"""Configuration of the wavelet family, and the settings that files carry of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import HpcmConfig

FLAGS = {"skip_s3_for_hf": 4}
"""Fields of the configuration -> their bits in the header's wavelet_flags."""
CHOICES = ("skip_s3_for_hf",)
"""Fields that need no other weights, so that a model may leave them to the encoder."""


@dataclass(frozen=True)
class WaveletConfig:
    """A network that codes the Haar bands of its latent, at a fixed rate.

    base: transforms, hyperprior and context as in the HPCM family; the windows are those of the bands.
    phase: 1, bands alone.
    skip_s3_for_hf: the high bands take one step at scale 3 instead of six.
    choices: fields of `CHOICES` that an encoder may set otherwise, since training has seen both.
    """

    family: ClassVar[str] = "wavelet"

    base: HpcmConfig
    phase: Literal[1] = 1
    skip_s3_for_hf: bool = False
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        base = self.base
        if base.context.hyper_placement != "aligned" or base.transform.naming != "branch":
            _refuse("its base needs aligned hyper parameters and layers named in branches")
        if base.memory is not None or base.rwkv is not None:
            _refuse("its base cannot have a memory bank or RWKV parts")
        if not set(self.choices) <= set(CHOICES):
            _refuse(f"choices can be {', '.join(CHOICES)}")

    @property
    def latent_channels(self) -> int:
        """Channels M of the latent and of each of its bands."""
        return self.base.latent_channels

    @property
    def high_steps(self) -> int:
        """Steps of the high bands that there are networks for."""
        return 6 if self.skip_s3_for_hf and "skip_s3_for_hf" not in self.choices else 11

    @property
    def settings(self) -> dict[str, int]:
        """What files carry, by the names of `formats.header.SETTINGS`."""
        return {"phase": self.phase, "wavelet_flags": sum(getattr(self, name) << bit for name, bit in FLAGS.items())}

    @property
    def adjustable(self) -> frozenset[str]:
        """Settings whose value in a file may differ from the model's."""
        return frozenset({"wavelet_flags"} if self.choices else ())

    def changed(self, settings: Mapping[str, Any]) -> WaveletConfig:
        """This configuration with other values of adjustable settings. Raises ModelFileError for impossible ones."""
        flags = settings["wavelet_flags"]
        wanted = {name: bool(flags >> bit & 1) for name, bit in FLAGS.items()}
        changes: dict[str, Any] = {name: value for name, value in wanted.items() if value != getattr(self, name)}
        if flags >> (max(FLAGS.values()) + 1) or not changes.keys() <= set(self.choices):
            _refuse(f"wavelet_flags {flags} are not those it was trained for")
        return replace(self, **changes)


def _refuse(problem: str) -> None:
    raise ModelFileError(f"model config: wavelet: {problem}")
