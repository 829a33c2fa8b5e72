"""Named configurations. A preset is a choice of numbers; the networks are the same code for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from hpcmcodec.errors import ModelFileError, UsageError
from hpcmcodec.models.config import ContextConfig, HpcmConfig, HyperConfig, PriorConfig, TransformConfig, to_dict
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.registry import config_from_dict
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.models.wavelet.config import WaveletConfig

BASE = HpcmConfig(
    transform=TransformConfig(
        widths=(96, 192, 384, 320),
        analysis_blocks=(2, 2, 4, 0),
        synthesis_blocks=(2, 2, 4, 0),
        edge_kernel=4,
        partial=4,
        naming="branch",
    ),
    hyper=HyperConfig(channels=256, width=256, analysis_blocks=(1, 3), synthesis_blocks=(3, 1)),
    context=ContextConfig(
        coarse_prior=PriorConfig(before=2, after=1, tail=0),
        fine_prior=PriorConfig(before=3, after=2, tail=0),
        adaptor_blocks=(0, 0, 0),
        fusion="window",
        windows=(4, 8, 8),
        heads=32,
        hyper_placement="legacy",
    ),
)

LARGE = replace(
    BASE,
    transform=replace(BASE.transform, analysis_blocks=(2, 2, 8, 0), synthesis_blocks=(2, 2, 8, 0)),
    context=replace(
        BASE.context,
        coarse_prior=PriorConfig(before=2, after=2, tail=0),
        fine_prior=PriorConfig(before=4, after=3, tail=0),
    ),
)

PHI = replace(BASE, context=replace(BASE.context, fusion="none"))

ONE_BILLION = HpcmConfig(
    # The nine-block stage is at stride 4 in the analysis but at stride 8 in the synthesis transform.
    transform=TransformConfig(
        widths=(192, 384, 768, 512),
        analysis_blocks=(3, 9, 3, 3),
        synthesis_blocks=(3, 3, 9, 3),
        edge_kernel=2,
        partial=2,
        naming="chunks",
    ),
    hyper=HyperConfig(channels=256, width=512, analysis_blocks=(4, 9), synthesis_blocks=(9, 4)),
    context=ContextConfig(
        coarse_prior=PriorConfig(before=5, after=3, tail=2),
        fine_prior=PriorConfig(before=6, after=4, tail=2),
        adaptor_blocks=(5, 5, 7),
        fusion="none",
        windows=(4, 8, 8),
        heads=32,
        hyper_placement="legacy",
    ),
)

Config = HpcmConfig | LiteConfig | WaveletConfig

# The official networks, by the names used on the command line.
OFFICIAL: dict[str, HpcmConfig] = {"base": BASE, "large": LARGE, "phi": PHI, "1b": ONE_BILLION}

# Values of a quarter of the channels: whole ones would cost a quarter more memory than base.
_MEMORIES = {
    "p1": MemoryConfig(phase=1, value_ratio=4),
    "p2": MemoryConfig(phase=2, max_refs=(2, 3, 4), value_ratio=4, transfer_refs=2),
    "p3": MemoryConfig(phase=3, max_refs=(2, 3, 4), topk=0, transfer_refs=2),
}
MULTIREF: dict[str, HpcmConfig | LiteConfig] = {
    **{f"multiref-{phase}": replace(BASE, memory=memory) for phase, memory in _MEMORIES.items()},
    **{f"lite-multiref-{phase}": LiteConfig(memory=memory) for phase, memory in _MEMORIES.items()},
}
"""Networks with a memory bank (hpcmcodec/models/multiref)."""

RWKV: dict[str, HpcmConfig] = {
    "rwkv-p1": replace(BASE, rwkv=RwkvConfig(phase=1)),
    "rwkv-p2": replace(BASE, rwkv=RwkvConfig(phase=2)),
    "rwkv-p3": replace(BASE, rwkv=RwkvConfig(phase=3)),
    "rwkv-p4": replace(BASE, rwkv=RwkvConfig(phase=4)),
}
"""Networks with bidirectional linear attention in the context model (hpcmcodec/models/rwkv)."""

# One block of rate 3 costs what three depthwise blocks do: p1 and p2 have it in their place. lite-rwkv has one behind
# them, closed at first, so that it starts as lite. A grid of lite's slots is half as fine as HPCM's scale.
_LITE_RWKV = RwkvConfig(cell_rates=(3, 3, 3), windows=(4, 4, 8))
LITE_RWKV = {
    "lite-rwkv-p1": LiteConfig(context_blocks=(3, 1), rwkv=_LITE_RWKV),
    "lite-rwkv-p2": LiteConfig(context_blocks=(1, 1), rwkv=replace(_LITE_RWKV, phase=2)),
    "lite-rwkv": LiteConfig(rwkv=replace(_LITE_RWKV, cell_rates=(1, 1, 1), added=1)),
}

# Windows of the bands cover the area of 16x16 latents at every scale; the official misplacement is not carried over.
_BANDS = replace(BASE, context=replace(BASE.context, windows=(2, 4, 8), hyper_placement="aligned"))
WAVELET = {f"wavelet-p{phase}": WaveletConfig(_BANDS, phase=phase) for phase in (1, 2, 3, 4, 5)}
"""Networks that code the Haar bands of the latent (hpcmcodec/models/wavelet)."""

# A quarter of the channels everywhere: a sixteenth of the cost, which is lite's.
_SMALL_BANDS = replace(
    _BANDS,
    transform=replace(_BANDS.transform, widths=(24, 48, 96, 80)),
    hyper=replace(_BANDS.hyper, channels=64, width=64),
)
LITE_WAVELET = {f"lite-{name}": replace(config, base=_SMALL_BANDS) for name, config in WAVELET.items()}

# lite in eight groups at the finest scale, as shipped, and in fewer: less to compute, more bytes.
LITE = {"lite": LiteConfig(), **{f"lite-g{n}": LiteConfig(checkerboard_groups=n) for n in (4, 2)}}

# lite's transforms and context on the Haar bands of its latent.
LITE_BANDS = {"lite-wavelet": LiteConfig(wavelet=True)}

PRESETS: dict[str, Config] = {
    **LITE,
    **OFFICIAL,
    **MULTIREF,
    **RWKV,
    **LITE_RWKV,
    **WAVELET,
    **LITE_WAVELET,
    **LITE_BANDS,
}
"""Every network that can be trained, by its name on the command line."""


def varied(config: Any, changes: Mapping[str, Any]) -> Any:
    """A configuration with other values of some fields; `memory`: of fields of its memory bank. Raises UsageError for
    one that it lacks or cannot have so."""
    for name in changes.keys() - {field.name for field in fields(config)}:
        raise UsageError(f"a network of family {config.family} has no {name}")
    try:
        values = dict(changes)
        if "memory" in values:
            values["memory"] = _bank(config.memory, values["memory"])
        return config_from_dict(to_dict(replace(config, **values)))  # whose reader checks the values
    except ModelFileError as error:
        raise UsageError(str(error)) from error


def _bank(memory: MemoryConfig | None, changes: Mapping[str, Any]) -> MemoryConfig:
    """A bank with other values. `max_refs` of one number is for all scales that have a bank."""
    if memory is None:
        raise UsageError("this network has no memory bank; presets with one are called multiref, as lite-multiref-p1")
    refs = changes.get("max_refs", memory.max_refs)
    if len(refs) == 1:
        refs = tuple(refs[0] if count else 0 for count in memory.max_refs)
    return replace(memory, **(dict(changes) | {"max_refs": refs}))


def preset(name: str) -> Config:
    """The configuration of this name. Raises UsageError."""
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
