"""The networks: configs, parts, and the way from a config to a network."""

from __future__ import annotations

from typing import Any

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import from_dict


def build_network(config: dict[str, Any]) -> Any:
    """The network (a Module without weights) that a model file's config describes.

    Raises ModelFileError for a family or a field that this version does not know.
    """
    family = config.get("family")
    if family == "lite":
        from hpcmcodec.models.lite import Lite, LiteConfig

        return Lite(from_dict(LiteConfig, config))
    if family == "hpcm":
        from hpcmcodec.models.config import HpcmConfig
        from hpcmcodec.models.hpcm import Hpcm

        return Hpcm(from_dict(HpcmConfig, config))
    raise ModelFileError(f"model family {family!r} is not known to this version of hpcmcodec: upgrade it")
