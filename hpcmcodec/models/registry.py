"""From a stored configuration to a network: the one place that knows every family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import HpcmConfig, from_dict
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.nn.module import Module

FAMILIES: dict[str, tuple[type, Callable[[Any], Module]]] = {
    HpcmConfig.family: (HpcmConfig, Hpcm),
    LiteConfig.family: (LiteConfig, Lite),
}


def config_from_dict(values: dict[str, Any]) -> HpcmConfig | LiteConfig:
    """Rebuild a configuration of any family from `config.to_dict`'s form. Raises ModelFileError."""
    return from_dict(_family(values.get("family"))[0], values)


def build(config: HpcmConfig | LiteConfig) -> Module:
    """The network of a configuration, without weights."""
    return _family(config.family)[1](config)


def _family(name: object) -> tuple[type, Callable[[Any], Module]]:
    if not isinstance(name, str) or name not in FAMILIES:
        raise ModelFileError(f"the model's family {name!r} is unknown to this version; update hpcmcodec")
    return FAMILIES[name]
