"""A model ready to code with: the network with its weights, its entropy tables and its identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hpcmcodec.entropy.coder import EntropyCoder, Quantised
from hpcmcodec.errors import CorruptError, UsageError
from hpcmcodec.formats.header import Header, Setting
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
    family: str
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
        return cls(file.name, file.id, network.family, network, coder, *thresholds, curvature)

    def suited_to(self, header: Header) -> CodecModel:
        """This model under the settings of a file. Raises CorruptError for a file that does not belong to it."""
        if header.family != self.family or (header.quality is None) == (self.network.rate == "variable"):
            raise CorruptError("the file's family or quality does not belong to its model")
        return replace(self, network=self.network.with_settings(header.settings))

    def with_settings(self, settings: Mapping[str, Setting]) -> CodecModel:
        """This model with other values of settings that an encoder may choose. What the model is anyway may be said
        too. Raises UsageError for others."""
        wanted, own = self.network.as_stored(settings), self.network.settings
        for name, value in wanted.items():
            if name not in own:
                raise UsageError(f"model {self.name!r} has no {name}: leave it out or choose another --model")
            if value != own[name] and name not in self.network.adjustable:
                raise UsageError(f"this model was trained with {name} {own[name]} and cannot change to {value}")
        try:
            return replace(self, network=self.network.with_settings(wanted))
        except CorruptError as error:
            raise UsageError(f"this model cannot be set so: {error.__cause__ or error}") from error

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
