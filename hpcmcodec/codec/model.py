"""A model ready to code with: the network with its weights, its entropy tables and its identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.formats.model_file import ModelFile
from hpcmcodec.models.registry import build, config_from_dict

RDO_WEIGHT = 8.67
"""Bits per squared unit of the rounding domain: lambda 255^2 / 3 step^2 with lite's step 5.1 / (255 sqrt(lambda))."""
RDO_STRENGTH = 0.7
"""How far rate-distortion optimised rounding goes; measured on the yardstick, 0 rounds to the nearest."""


@dataclass(frozen=True)
class CodecModel:
    """What encoder and decoder need of a model file. The network runs on the native backend."""

    name: str
    identity: bytes
    family: str
    network: Any
    tables: Any
    y_thresholds: np.ndarray
    z_thresholds: np.ndarray

    @classmethod
    def load(cls, file: ModelFile) -> CodecModel:
        """Build the network of a model file. Raises ModelFileError if weights and config do not fit."""
        network = build(config_from_dict(file.config))
        network.load(file.tensors)
        tables = kernels.TableSet(file.cdf, file.starts, file.lengths, file.offsets)
        return cls(
            file.name, file.identity[:8], file.config["family"], network, tables, file.y_thresholds, file.z_thresholds
        )

    def quantise(self, residual: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The encoder's choice of integers for y - mean: rate-distortion optimised where the model's step size relates
        bits to distortion, else the nearest. Decoders do not depend on it."""
        if self.network.rate == "fixed":
            return np.rint(residual).astype(np.int32)
        flat = np.ascontiguousarray(residual).reshape(-1)
        symbols = kernels.rdo_quantise(flat, rows.reshape(-1), self.tables, RDO_STRENGTH, RDO_WEIGHT)
        return symbols.reshape(residual.shape)
