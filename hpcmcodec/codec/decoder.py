"""Bytes -> picture."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.conditions import areas_of, condition
from hpcmcodec.codec.latents import decode_latents
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.pixels import from_network
from hpcmcodec.errors import ArithmeticMismatchError, CorruptError, UnsupportedVersionError
from hpcmcodec.formats import alpha, container
from hpcmcodec.formats.container import Container, Limits
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store


class Decoder:
    """Decodes pictures; models stay loaded between pictures. Safe to share between threads.

    threads: of the kernels' pool, None leaves it as it is. limits: what to refuse.
    """

    def __init__(self, threads: int | None = None, limits: Limits | None = None) -> None:
        if threads is not None:
            kernels.set_threads(threads)
        self.limits = limits or Limits()
        self._models: dict[bytes, CodecModel] = {}
        self._lock = threading.Lock()

    def decode(self, data: bytes | memoryview) -> Picture:
        """The picture of an hpc file.

        Raises the errors of `hpcmcodec.errors`: the bytes are not a sound hpc file, its model is missing, it is too
        large, or this machine's arithmetic does not give the encoder's latents.
        """
        file = container.read(data, self.limits)
        header, tile = file.header, file.tile(0)
        model = self.model_of(header)
        pixels = _decode_pixels(model, header, tile)
        return Picture(pixels, _decode_alpha(file), icc=file.icc, exif=file.exif, xmp=file.xmp)

    def add(self, model: CodecModel) -> None:
        """Know a model that is not installed."""
        with self._lock:
            self._models[model.identity] = model

    def model_of(self, header: Header) -> CodecModel:
        """The model that made a file. Raises MissingModelError if it is not installed."""
        with self._lock:
            model = self._models.get(header.model_id)
            if model is None:
                model = CodecModel.load(store.find_by_id(header.model_id, header.model_name))
                self._models[header.model_id] = model
            return model


def _decode_pixels(model: CodecModel, header: Header, tile: container.Tile) -> np.ndarray:
    model = model.suited_to(header)
    network = model.network
    if header.tile_size:
        raise UnsupportedVersionError("the file is cut into entropy tiles; update hpcmcodec")
    with kernels.fp_environment(), np.errstate(all="ignore"):  # _finite sees what numpy would warn of
        cond = condition(network, header.quality)
        y_hat = _decode_tile(model, tile.streams, header, cond)
        if container.latent_check(y_hat) != tile.check:
            raise ArithmeticMismatchError(
                "the decoded latents differ from the encoder's: run `hpcm doctor` to test this installation"
            )
        x_hat = _finite(network.synthesise(y_hat, cond))
        return from_network(x_hat, header.height, header.width, header.channels)


def _decode_tile(model: CodecModel, streams: Sequence[bytes | memoryview], header: Header, cond: object) -> np.ndarray:
    areas = areas_of(model.network, header.height, header.width)
    try:
        return np.ascontiguousarray(_finite(decode_latents(model, streams, cond, areas)))
    except ValueError as error:  # a prediction that is not a number: no encoder writes such symbols
        raise CorruptError(f"the latent streams are damaged ({error})") from error


def _finite(array: np.ndarray) -> np.ndarray:
    """The same array. What follows from a number that is none would depend on the processor; no encoder makes one."""
    if not np.isfinite(array).all():
        raise CorruptError("the latent streams are damaged (values beyond all bounds)")
    return array


def _decode_alpha(file: Container) -> np.ndarray | None:
    data = file.alpha
    return None if data is None else alpha.decode(data, file.header.height, file.header.width)
