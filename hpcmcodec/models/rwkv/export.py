"""From the trained form of the RWKV parts to the form that files hold: branches become one kernel, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpcmcodec.models.rwkv.blocks import merge

_BRANCHES = (".alpha", ".conv1x1.weight", ".conv3x3.weight", ".conv5x5.weight")


def merged(config: Any, arrays: Mapping[str, np.ndarray]) -> tuple[Any, dict[str, np.ndarray]]:
    """The configuration and parameters of the same network with merged kernels; other networks stay as they are."""
    rwkv = getattr(config, "rwkv", None)
    if rwkv is None or rwkv.merged:
        return config, dict(arrays)
    result = {}
    for name, array in arrays.items():
        owner, found, _ = name.partition(".omni_shift.")
        if not found:
            result[name] = array
        elif name.endswith(".alpha"):
            prefix = f"{owner}.omni_shift"
            result[f"{prefix}.kernel"] = merge(*(arrays[prefix + branch] for branch in _BRANCHES))
    return replace(config, rwkv=replace(rwkv, merged=True)), result
