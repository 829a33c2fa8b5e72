"""A model ready to code with: the network with its weights, its entropy tables and its identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcmcodec.entropy.coder import EntropyCoder, Quantised
from hpcmcodec.errors import CorruptError
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.model_file import ModelFile
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.models.rwkv.export import check_merged

RDO_STRENGTH, TRELLIS_STRENGTH = 0.7, 0.85
"""What a bit counts in the choice of integers, against its price at the picture's quality: less than 1, as later
predictions suffer too. For rounding (0 rounds to the nearest) and for the trellis; measured on lite."""
CURVATURE = 2 * 8.67
"""h: second derivative of the distortion in bits by a latent, where a model file does not tell its own; the kernels'
RDO_WEIGHT is its half. Half of what it is overshoots so far that nothing is gained, twice as much gains little."""


@dataclass(frozen=True)
class CodecModel:
    """What encoder and decoder need of a model file. The network runs on the native backend."""

    name: str
    identity: bytes
    network: Any
    coder: EntropyCoder
    y_thresholds: np.ndarray
    z_thresholds: np.ndarray
    curvature: float = CURVATURE

    @classmethod
    def load(cls, file: ModelFile) -> CodecModel:
        """Build the network of a model file. Raises ModelFileError if weights and config do not fit."""
        config = config_from_dict(file.config)
        check_merged(config)
        network = build(config)
        network.load(file.tensors)
        thresholds = file.y_thresholds, file.z_thresholds
        coder, curvature = EntropyCoder.of(file), _curvature(file.measured)
        return cls(file.name, file.id, network, coder, *thresholds, curvature)

    def check_suits(self, header: Header) -> None:
        """Raises CorruptError for a file that does not belong to this model."""
        if header.streams != self.streams or (header.quality is None) == (self.network.rate == "variable"):
            raise CorruptError("the file's streams or quality do not belong to its model")

    @property
    def streams(self) -> int:
        """Entropy-coded streams of a tile."""
        return 1 + max(step.scale for step in self.network.schedule)

    def quantise(self, residual: np.ndarray, rows: np.ndarray) -> Quantised:
        """The encoder's choice of integers for y - mean: rate-distortion optimised where the model's step size relates
        bits to distortion, else the nearest. Decoders do not depend on it."""
        strength = TRELLIS_STRENGTH if self.coder.has_trellis else RDO_STRENGTH
        strength = strength if self.network.rate == "variable" else 0.0
        return self.coder.quantise(np.ascontiguousarray(residual), rows, strength)


def _curvature(measured: Mapping[str, Any]) -> float:
    """What `hpcm models calibrate` measured of the model, if that is a number that can be."""
    value = measured.get("curvature")
    return float(value) if isinstance(value, int | float) and 0.01 < value < 10_000 else CURVATURE
