"""From a stored configuration to a network: the one place that knows every family.

A family's code is imported when a model of it is built: decoding with one family does not pay for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import from_dict
from hpcmcodec.nn.module import Module

FAMILIES = {
    "hpcm": ("hpcmcodec.models.hpcm", "HpcmConfig", "Hpcm"),
    "lite": ("hpcmcodec.models.lite", "LiteConfig", "Lite"),
    "wavelet": ("hpcmcodec.models.wavelet.model", "WaveletConfig", "Wavelet"),
}
"""Family -> module, names of its configuration and of its network."""


def config_from_dict(values: dict[str, Any]) -> Any:
    """Rebuild a configuration of any family from `config.to_dict`'s form. Raises ModelFileError."""
    return from_dict(_family(values.get("family"))[0], values)


def build(config: Any) -> Module:
    """The network of a configuration, without weights."""
    network: Module = _family(config.family)[1](config)
    return network


def _family(name: object) -> tuple[Any, Any]:
    if not isinstance(name, str) or name not in FAMILIES:
        raise ModelFileError(f"the model's family {name!r} is unknown to this version; update hpcmcodec")
    module, config, network = FAMILIES[name]
    home = import_module(module)
    return getattr(home, config), getattr(home, network)
