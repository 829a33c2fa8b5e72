"""A model ready to code with: its program, its entropy tables and its identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hpcmcodec.codec.parallel import normative
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import DISTORTION_WEIGHT
from hpcmcodec.forking import lazy_property
from hpcmcodec.formats.model_file import ModelFile
from hpcmcodec.kernels import decode
from hpcmcodec.kernels.encode import TileEncoder
from hpcmcodec.kernels.program import Program
from hpcmcodec.models import store
from hpcmcodec.models.program import canonical
from hpcmcodec.models.registry import build, config_from_dict

RDO_STRENGTH, TRELLIS_STRENGTH = 0.7, 0.85
"""What a bit counts in the choice of integers, against its price at the picture's quality: less than 1, as later
predictions suffer too. For rounding (0 rounds to the nearest) and for the trellis; measured on lite."""
CURVATURE = 2 * DISTORTION_WEIGHT
"""h: second derivative of the distortion in bits by a latent, where a model file does not tell its own; the kernels'
DISTORTION_WEIGHT is its half. Half of what it is overshoots so far that nothing is gained, twice as much gains
little."""

Condition = Mapping[str, np.ndarray]
"""Vectors (C, 1, 1) that depend on the quality alone, by name."""


@dataclass(frozen=True)
class CodecModel:
    """What encoders need of a model file. `name`, `identity`: as files name it."""

    file: ModelFile
    coder: EntropyCoder
    curvature: float = CURVATURE

    @classmethod
    def load(cls, file: ModelFile) -> CodecModel:
        """Raises ModelFileError if weights, program or tables do not fit."""
        with normative():  # weights are widened here, which rounds
            model = cls(file, EntropyCoder.of(file), _curvature(file.measured))
            model.program  # noqa: B018  what is wrong with it is told now
        return model

    @property
    def name(self) -> str:
        """Of the model."""
        return self.file.name

    @property
    def identity(self) -> bytes:
        """The first 8 bytes of it."""
        return self.file.id

    @lazy_property
    def program(self) -> Program:
        """What encoding executes."""
        return Program(canonical(self.file.program), self.file.tensors)

    @lazy_property
    def tiles(self) -> TileEncoder:
        """What codes latents."""
        file, coder = self.file, self.coder
        thresholds, weights = (file.y_thresholds, file.z_thresholds), (self.strength, DISTORTION_WEIGHT)
        return TileEncoder(self.program, coder.tables, *thresholds, coder.levels, *weights)

    @lazy_property
    def network(self) -> Any:
        """The network itself, for what a program does not do: gradients."""
        network = build(config_from_dict(self.file.config))
        tensors = self.file.tensors
        if self.file.base is not None:  # an adapter need not use all that its base has
            tensors = {name: tensors[name] for name in tensors.keys() & network.specs().keys()}
        network.load(tensors)
        return network

    @lazy_property
    def core(self) -> decode.Model:
        """The same for decoding."""
        return decode.Model(self.file.data, store.core_by_identity)

    # ------------------------------------------------------------------------------------------ the program's numbers
    @property
    def stride(self) -> int:
        """Pixels along a side per latent."""
        return int(self.file.program["stride"])

    @property
    def pad_multiple(self) -> int:
        """Pictures are padded to multiples of it, in pixels."""
        return int(self.file.program["unit"])

    @property
    def coded_unit(self) -> int:
        """Latents are coded in cells of so many pixels along a side."""
        return int(self.file.program.get("coded_unit", self.stride))

    @property
    def latent_channels(self) -> int:
        """Channels of the latent."""
        return int(self.file.program["latent_channels"])

    @property
    def streams(self) -> int:
        """Entropy-coded streams of a tile."""
        return int(self.file.program["streams"])

    @property
    def rate(self) -> Literal["variable", "fixed"]:
        """Whether a quality can be chosen."""
        return "variable" if self.file.program["entries"]["condition"]["inputs"] else "fixed"

    @property
    def strength(self) -> float:
        """What bits count in the encoder's choice of symbols, which decoders do not depend on: optimised where the
        model's step size relates bits to distortion, else the nearest."""
        if self.rate == "fixed":
            return 0.0
        return TRELLIS_STRENGTH if self.coder.has_trellis else RDO_STRENGTH

    # ------------------------------------------------------------------------------------------ coding
    def condition(self, quality: float | None) -> Condition:
        """For a quality of 1..100; None for a model of one rate."""
        given = {}
        if self.rate == "variable" and quality is not None:
            position = (np.float32(quality) - np.float32(1)) / np.float32(99)
            given["quality"] = np.full((1, 1, 1), position, np.float32)
        return self.program.run("condition", given, (1, 1))

    def regain(self, y: np.ndarray, made: Condition, wanted: Condition) -> np.ndarray:
        """A latent (M, H, W) that was analysed under one condition in the rounding domain of another."""
        return y * (wanted["up"] / made["up"]) if "up" in made else y


def vectors(model: CodecModel, entry: str, condition: Condition) -> Condition:
    """Those of a condition that an entry takes."""
    names = {name for name, *_ in model.file.program["entries"][entry]["inputs"]}
    return {name: vector for name, vector in condition.items() if name in names}


def _curvature(measured: Mapping[str, Any]) -> float:
    """What `hpcm models calibrate` measured of the model, if that is a number that can be."""
    value = measured.get("curvature")
    return float(value) if isinstance(value, int | float) and 0.01 < value < 10_000 else CURVATURE
