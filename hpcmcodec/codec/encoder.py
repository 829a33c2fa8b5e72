"""Picture -> bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hpcmcodec import kernels
from hpcmcodec.codec.conditions import areas_of, condition
from hpcmcodec.codec.latents import encode_latents
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.pixels import to_network
from hpcmcodec.errors import UsageError
from hpcmcodec.formats import alpha, container
from hpcmcodec.formats.header import Header, Setting
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store

DEFAULT_QUALITY = 50


class Encoder:
    """Codes pictures with one model. Safe to share between threads.

    model: a name, a path, or None for the default. threads: of the kernels' pool, None leaves it as it is.
    settings: variant settings to code with instead of the model's own, by their names in `hpcm info`.
    Raises UsageError for settings that the model does not have or cannot change.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        threads: int | None = None,
        settings: Mapping[str, Setting] | None = None,
    ) -> None:
        if threads is not None:
            kernels.set_threads(threads)
        self.model = CodecModel.load(store.find(model)).with_settings(settings or {})

    def encode(self, picture: Picture, quality: int = DEFAULT_QUALITY, *, strip: bool = False) -> bytes:
        """The bytes of an hpc file.

        quality: 1 (smallest) .. 100 (best); ignored by models of one rate. strip: leave ICC, EXIF and XMP out.
        Raises UsageError for a quality out of range.
        """
        if not 1 <= quality <= 100:
            raise UsageError(f"quality {quality} is out of range: choose 1 (smallest file) to 100 (best picture)")
        network = self.model.network
        height, width, channels = picture.pixels.shape
        header = Header(
            width=width,
            height=height,
            channels=channels,
            model_name=self.model.name,
            model_id=self.model.identity,
            family=self.model.family,
            quality=quality if network.rate == "variable" else None,
            settings=network.settings,
        )
        with kernels.fp_environment():
            cond = condition(network, header.quality)
            y = network.analyse(to_network(picture.pixels, network.pad_multiple), cond)
            z = network.hyper_analyse(y, cond)
            streams, y_hat = encode_latents(self.model, y, z, cond, areas_of(network, height, width))
        tile = container.Tile(tuple(streams), container.latent_check(np.ascontiguousarray(y_hat)))
        return container.write(
            header,
            [tile],
            alpha=None if picture.alpha is None else alpha.encode(picture.alpha),
            icc=None if strip else picture.icc,
            exif=None if strip else picture.exif,
            xmp=None if strip else picture.xmp,
        )
