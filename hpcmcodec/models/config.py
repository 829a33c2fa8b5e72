"""Configurations: everything about a network except its weights, as frozen dataclasses that survive JSON.

A preset (presets.py) is a named config. A model file stores the config in full, so that presets may change later.
"""

from __future__ import annotations

import math
import types
import typing
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, Literal, TypeVar

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.rwkv.config import RwkvConfig

C = TypeVar("C")
MAX_PAD_MULTIPLE = 4096
"""Windows of odd sides have a huge common multiple, and a picture of one pixel would be padded to it."""


@dataclass(frozen=True)
class TransformConfig:
    """Analysis and synthesis transforms, four stages each, finest first; the last width is the latent's channel count.

    Analysis: down-sample to each width, then that many residual blocks. Synthesis mirrors it. `edge_kernel` is the
    kernel of the layers next to the pixels (4 or 2), `partial` the share (1 / partial) of channels that a block's 3x3
    convolution sees, `naming` how the official checkpoint names its layers.
    """

    widths: tuple[int, ...]
    analysis_blocks: tuple[int, ...]
    synthesis_blocks: tuple[int, ...]
    edge_kernel: int
    partial: int
    naming: Literal["branch", "chunks"]

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.analysis_blocks) == len(self.synthesis_blocks) == 4:
            raise ModelFileError("a transform has four stages, each with a width and two block counts")
        check_positive("widths", *self.widths)
        check_counts("block counts", *self.analysis_blocks, *self.synthesis_blocks)
        if self.edge_kernel not in (2, 4) or self.partial not in (1, 2, 4, 8):
            raise ModelFileError("edge_kernel must be 2 or 4 and partial 1, 2, 4 or 8")


@dataclass(frozen=True)
class HyperConfig:
    """Hyper-analysis and hyper-synthesis: two halvings of the latent's resolution, and back.

    `analysis_blocks`: residual blocks at the latent's resolution and at half of it. `synthesis_blocks`: at half and
    at the latent's resolution. `width` is the channel count between the two halvings.
    """

    channels: int
    width: int
    analysis_blocks: tuple[int, int]
    synthesis_blocks: tuple[int, int]

    def __post_init__(self) -> None:
        check_positive("hyper channels and width", self.channels, self.width)
        check_counts("hyper block counts", *self.analysis_blocks, *self.synthesis_blocks)


@dataclass(frozen=True)
class PriorConfig:
    """Depthwise blocks of a spatial prior: before the adaptive vector, after it, and after the 1x1 to 2M channels."""

    before: int
    after: int
    tail: int

    def __post_init__(self) -> None:
        check_counts("spatial-prior block counts", self.before, self.after, self.tail)


@dataclass(frozen=True)
class ContextConfig:
    """Context traversal. `adaptor_blocks` per scale: 0 is a single 1x1 convolution, n a chain of n depthwise blocks.

    `fusion` "window" updates the context by window cross attention with the given window sides per scale and
    `heads`; "none" takes the spatial prior's output as the context. `hyper_placement`: see
    geometry.hyper_at_scale2.
    """

    coarse_prior: PriorConfig
    fine_prior: PriorConfig
    adaptor_blocks: tuple[int, int, int]
    fusion: Literal["window", "none"]
    windows: tuple[int, int, int]
    heads: int
    hyper_placement: Literal["legacy", "aligned"]

    def __post_init__(self) -> None:
        check_counts("adaptor block counts", *self.adaptor_blocks)
        check_positive("windows and heads", *self.windows, self.heads)
        if max(self.windows) > 64:  # attention costs their fourth power
            raise ModelFileError("model config: windows may be up to 64 wide")


@dataclass(frozen=True)
class HpcmConfig:
    """A network of the HPCM family at a fixed rate (arXiv 2507.19125), plain, with a memory bank or with RWKV parts."""

    family: ClassVar[str] = "hpcm"

    transform: TransformConfig
    hyper: HyperConfig
    context: ContextConfig
    memory: MemoryConfig | None = None
    rwkv: RwkvConfig | None = None

    def __post_init__(self) -> None:
        if self.rwkv is not None and (self.memory is not None or self.context.fusion != "window"):
            raise ModelFileError("model config: RWKV parts replace those of a network with window fusion and no memory")
        if self.latent_channels % 8:
            raise ModelFileError("the latent needs a multiple of 8 channels, for eight groups")
        if 2 * self.latent_channels % self.context.heads:
            raise ModelFileError("the context's channels must divide evenly among the attention heads")
        if self.pad_multiple > MAX_PAD_MULTIPLE:
            raise ModelFileError(f"model config: its windows pad pictures to multiples of {self.pad_multiple} pixels")

    @property
    def latent_channels(self) -> int:
        """Channels M of the latent y."""
        return self.transform.widths[-1]

    @property
    def pad_multiple(self) -> int:
        """Picture sides must be multiples of this many pixels, so that every scale's tiles and windows fit."""
        coarse, middle, fine = self.context.windows if self.context.fusion == "window" else (1, 1, 1)
        return 16 * math.lcm(8, 4 * coarse, 2 * middle, fine)


def to_dict(config: Any) -> dict[str, Any]:
    """Plain JSON-ready form of a config, its family included. Optional parts that it lacks are left out."""
    return {"family": config.family, **{n: v for n, v in _plain(asdict(config)).items() if v is not None}}


def from_dict(kind: type[C], values: dict[str, Any]) -> C:
    """Rebuild a config of dataclass `kind` from `to_dict`'s form.

    Fields that a file lacks take their defaults: it was written before they existed. Raises ModelFileError for missing
    ones without a default, unknown or ill-typed fields.
    """
    given = {name: value for name, value in values.items() if name != "family"}
    return typing.cast(C, _parse(kind, given, kind.__name__))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _parse(kind: Any, value: Any, where: str) -> Any:
    """`value` (from JSON) as type `kind`: dataclass, tuple, Literal, optional, or a plain scalar."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        return _parse_dataclass(kind, value, where)
    if origin is tuple and isinstance(value, list | tuple):
        kinds = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(kinds) == len(value):
            return tuple(_parse(item, entry, where) for item, entry in zip(kinds, value, strict=True))
    if origin is Literal and value in arguments:
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _parse(next(item for item in arguments if item is not type(None)), value, where)
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise ModelFileError(f"model config: {where} has an unusable value {value!r}")


def _parse_dataclass(kind: Any, value: Any, where: str) -> Any:
    known = {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(kind)}  # name -> required
    if not isinstance(value, dict) or not set(value) <= set(known) or not {n for n in known if known[n]} <= set(value):
        raise ModelFileError(f"model config: {where} needs exactly the fields {', '.join(sorted(known))}")
    hints = typing.get_type_hints(kind)
    return kind(**{name: _parse(hints[name], entry, f"{where}.{name}") for name, entry in value.items()})


def check_positive(what: str, *values: int) -> None:
    """Raises ModelFileError for a number of channels and the like that no network has."""
    if not all(1 <= value <= 65536 for value in values):
        raise ModelFileError(f"model config: {what} must be between 1 and 65536")


def check_counts(what: str, *values: int) -> None:
    """Raises ModelFileError for a number of layers that no network has."""
    if not all(0 <= value <= 256 for value in values):
        raise ModelFileError(f"model config: {what} must be between 0 and 256")
