"""The presets in CompressAI's registry and zoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from compressai.registry import register_model
from compressai.zoo import image_models
from compressai.zoo.image import model_architectures

from hpcmcodec.compressai_plugin.model import HpcmModel
from hpcmcodec.errors import MissingModelError
from hpcmcodec.models import store
from hpcmcodec.models.presets import PRESETS, preset
from hpcmcodec.models.registry import config_from_dict

PREFIX = "hpcm-"


def register() -> None:
    """Tells CompressAI of all presets; importing the package does it."""
    for name in PRESETS:
        kind = type(f"Hpcm_{name.replace('-', '_')}", (HpcmModel,), {"preset": name})
        register_model(PREFIX + name)(kind)
        model_architectures[PREFIX + name] = kind
        image_models[PREFIX + name] = _zoo(kind)


def _zoo(kind: type[HpcmModel]) -> Callable[..., HpcmModel]:
    def make(quality: float = 50, metric: str = "mse", pretrained: bool = False, **options: Any) -> HpcmModel:
        """As CompressAI's: quality 1..100; pretrained takes `model`, or an installed model of this preset."""
        options.pop("progress", None)
        if not pretrained:
            return kind(quality=quality)
        return kind.from_model(options.get("model") or _installed(kind.preset), quality=quality)

    return make


def _installed(name: str) -> str:
    """An installed model of this preset, the default model first. Raises MissingModelError."""
    wanted = preset(name)
    found = [summary.name for summary in store.list_models() if _same_network(config_from_dict(summary.config), wanted)]
    if not found:
        raise MissingModelError(f"no model of preset {name!r} is installed; see `hpcm models list`")
    return store.DEFAULT_MODEL if store.DEFAULT_MODEL in found else found[0]


def _same_network(config: Any, wanted: Any) -> bool:
    """Whether both are one network, whatever range of qualities it was trained for."""
    if type(config) is not type(wanted):
        return False
    return bool(config == (replace(wanted, slopes=config.slopes) if hasattr(wanted, "slopes") else wanted))
