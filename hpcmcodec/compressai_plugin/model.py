"""A network of this package behind CompressAI's interface."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from compressai.models import CompressionModel
from torch import Tensor
from torch.nn.functional import pad

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.model import RDO_STRENGTH
from hpcmcodec.codec.tiling import Tile, areas_of, choose_tile_size, inside
from hpcmcodec.entropy.tables import EntropyTables
from hpcmcodec.errors import OutputError
from hpcmcodec.formats import container
from hpcmcodec.formats.chunks import LATENT, Chunk
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.payloads import pack_tile, parse_tile
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.presets import preset
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.nn.torch_model import TorchModel
from hpcmcodec.train.distributions import lower_bound
from hpcmcodec.train.loss import Noise, code_batch
from hpcmcodec.train.trellis import Trellis

_LEAST_LIKELIHOOD = 1e-9  # CompressAI's
_NAME = "compressai"
_TRELLIS = "trellis."
"""Of the names of a trellis' tables in a state dictionary."""


class HpcmModel(CompressionModel):
    """A network of this package behind CompressAI's interface; sides of pictures may be anything.

    A model that came from a file with a trellis keeps it, in training and in state dictionaries too; others round.
    config: of the network, by default the class's preset. quality: 1..100. seed: of the initial weights.
    """

    preset: ClassVar[str] = "lite"
    quality: Tensor

    def __init__(self, config: Any = None, *, quality: float = 50, seed: int = 0) -> None:
        super().__init__()
        network = build(config or preset(self.preset))
        self.net = TorchModel(network, network.initial(seed))
        self.register_buffer("quality", torch.tensor(float(quality)))
        # CompressAI's trainer optimises an auxiliary loss; there is nothing to fit here, and this zero stays zero.
        self.auxiliary = torch.nn.ParameterDict({"quantiles": torch.zeros(1)})  # the name by which it is found
        self._file: bytes | None = None
        self._coder: Encoder | None = None
        self._trellis: Trellis | None = None

    @classmethod
    def from_model(cls, name: str | Path | None = None, *, quality: float = 50) -> HpcmModel:
        """With the weights of an installed model or a model file; None: the default model. Raises HpcmError."""
        file = store.find(name)
        made = cls(config_from_dict(file.config), quality=quality)
        for key, tensor in made.net.tensors().items():
            tensor.data.copy_(torch.from_numpy(np.array(file.tensors[key])))
        made._file, made._coder = Path(file.path).read_bytes(), Encoder(file.path)
        made._trellis = None if file.levels is None else Trellis.of(file)
        return made

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> HpcmModel:
        """A model with the weights and the quality of `state_dict`."""
        made = cls()
        made.load_state_dict(state_dict)
        return made

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> Any:
        """As torch's; what was exported before is forgotten, and the trellis is that of `state_dict`, if it has one."""
        self._file = self._coder = self._trellis = None
        tables = {
            key.removeprefix(_TRELLIS): t.cpu().numpy() for key, t in state_dict.items() if key.startswith(_TRELLIS)
        }
        if tables:
            self._trellis = Trellis(EntropyTables(**tables))
        others = {key: t for key, t in state_dict.items() if not key.startswith(_TRELLIS)}
        return super().load_state_dict(others, strict=strict)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._trellis is not None:
            tables = self._trellis.tables
            for field in fields(tables):
                destination[prefix + _TRELLIS + field.name] = torch.from_numpy(getattr(tables, field.name).copy())

    @property
    def downsampling_factor(self) -> int:
        """Sides of pictures are padded to multiples of this."""
        return int(self.net.model.pad_multiple)

    def forward(self, x: Tensor) -> dict[str, Any]:
        """Pictures (N, 3, H, W) in 0..1 -> x_hat and the likelihoods of y and z, those in the padding left out."""
        height, width = x.shape[2:]
        unit = self.downsampling_factor
        padded = pad(x, (0, -width % unit, 0, -height % unit), mode="replicate")
        network = self.net.model
        coded = code_batch(
            network,
            padded,
            ((self.quality - 1) / 99).expand(len(x)),
            rdo=RDO_STRENGTH if network.rate == "variable" else 0.0,
            noise=Noise() if self.training else None,
            quantiser=self._trellis,
        )
        padded_as: Any = network
        y_area, z_area = areas_of(padded_as, Tile(0, height, width, 0, 0))
        y_inside = inside(y_area, network.latent_channels)
        pick = None if y_inside is None else network.pick(torch.from_numpy(y_inside).to(x.device))
        steps = [_kept(bits, None if pick is None else pick(step)) for step, bits in coded.y_bits]
        z_inside = inside(z_area, coded.z_bits.shape[1])
        z_bits = _kept(coded.z_bits, None if z_inside is None else torch.from_numpy(z_inside).to(x.device))
        return {
            "x_hat": coded.x_hat[:, :, :height, :width],
            "likelihoods": {"y": _likelihoods(torch.cat(steps, 1)), "z": _likelihoods(z_bits)},
        }

    def aux_loss(self) -> Tensor:
        """Zero, as a loss that a trainer can go back through."""
        return self.auxiliary["quantiles"].square().sum()

    def update(self, scale_table: Any = None, force: bool = False, update_quantiles: bool = False) -> bool:
        """Makes the model that `compress` codes with from the weights as they are now, if there is none or `force`.

        A model that came from a file and has not changed stays the same, with its name. Returns whether it was made.
        """
        if self._coder is not None and not force:
            return False
        arrays = {key: tensor.detach().float().cpu().numpy() for key, tensor in self.net.tensors().items()}
        if self._coder is not None and _same(arrays, self._coder):
            return False
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            network = self.net.model
            tables = self._trellis.tables if self._trellis else None
            export_model(
                path, _NAME, network.config, arrays, distribution=network.distribution, tables=tables, storage=exact
            )
            self._file, self._coder = path.read_bytes(), Encoder(path)
        return True

    def export(self, path: str | Path) -> bytes:
        """Writes the model file that `compress` codes with, for `hpcm encode --model` and for decoding; returns its
        identity. Raises OutputError if the file exists."""
        self.update()
        assert self._file is not None
        target = Path(path)
        if target.exists():
            raise OutputError(f"{target} exists")
        target.write_bytes(self._file)
        return self._encoder.model.identity

    def compress(self, x: Tensor) -> dict[str, Any]:
        """Pictures (N, 3, H, W) in 0..1, rounded to 8 bits -> `strings[tile][picture]`, and `shape` (H, W)."""
        levels = (x.detach().float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().contiguous().numpy()
        header = self._header(*x.shape[2:])
        files = [
            container.read(self._encoder.encode(Picture(p), self._level, exact_tiles=False), self._encoder.limits)
            for p in levels
        ]
        strings = [[pack_tile(header, index, file.tile(index)) for file in files] for index in range(header.tiles)]
        return {"strings": strings, "shape": torch.Size(x.shape[2:])}

    def decompress(self, strings: Sequence[Sequence[bytes]], shape: Sequence[int]) -> dict[str, Tensor]:
        """Inverse of `compress`: `x_hat` (N, 3, H, W) in 0..1. Raises HpcmError for damaged strings."""
        header = self._header(*shape)
        decoder = Decoder(limits=self._encoder.limits)
        decoder.add(self._encoder.model)
        pictures = []
        for payloads in zip(*strings, strict=True):
            tiles = [parse_tile(header, index, Chunk(LATENT, data, crc=0)) for index, data in enumerate(payloads)]
            pictures.append(decoder.decode(container.write(header, tiles)).pixels)
        x_hat = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self.quality.device)
        return {"x_hat": x_hat.float() / 255}

    @property
    def _encoder(self) -> Encoder:
        self.update()
        assert self._coder is not None
        return self._coder

    @property
    def _level(self) -> int:
        return round(self.quality.item())

    def _header(self, height: int, width: int) -> Header:
        """What `hpcm encode` writes for a colour picture of this size."""
        model = self._encoder.model
        return Header(
            width=int(width),
            height=int(height),
            model_name=model.name,
            model_id=model.identity,
            streams=model.streams,
            quality=self._level if model.rate == "variable" else None,
            tile_size=choose_tile_size(model, int(height), int(width)),
        )


def _kept(bits: Tensor, inside: Tensor | None) -> Tensor:
    """(N, elements): the bits where they are counted, zero elsewhere."""
    return (bits if inside is None else bits * inside).flatten(1)


def _likelihoods(bits: Tensor) -> Tensor:
    return lower_bound(torch.exp2(-bits), _LEAST_LIKELIHOOD)


def _same(arrays: Mapping[str, np.ndarray], coder: Encoder) -> bool:
    own = coder.model.network.arrays()
    return own.keys() == arrays.keys() and all(np.array_equal(own[key], value) for key, value in arrays.items())
