"""From a network to its program: the data that model files hold and decoders execute (FORMAT.md, "Programs")."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from hpcmcodec.nn.module import Array
from hpcmcodec.nn.sizes import Size
from hpcmcodec.nn.trace import Trace, Traced

VERSION = 1
HYPER_STRIDE = 64
"""Pixels along a side per hyper-latent."""


def program_of(network: Any) -> dict[str, Any]:
    """The program of a network: plain values for JSON. The network's arrays are not looked at, and kept."""
    kept = {full: vars(owner).get(name) for full, owner, name in network.walk()}
    try:
        return _Tracer(network).program()
    finally:
        for full, owner, name in network.walk():
            if kept[full] is None:
                vars(owner).pop(name, None)
            else:
                setattr(owner, name, kept[full])


def canonical(program: dict[str, Any]) -> str:
    """The program's text: one network, one text."""
    return json.dumps(program, separators=(",", ":"), sort_keys=True)


class _Tracer:
    def __init__(self, network: Any) -> None:
        self.network = network
        self.grain = network.pad_multiple // network.stride

    def program(self) -> dict[str, Any]:
        network = self.network
        entries = {"condition": self.condition()}
        vectors = [(name, channels) for name, channels in self.vectors]
        for name in ("latents", "picture", "preview", "analysis", "hyper_analysis"):
            entries[name] = getattr(self, name)(vectors)
        if entries["preview"] == entries["picture"]:
            del entries["preview"]
        cells = {} if network.coded_unit == network.stride else {"coded_unit": network.coded_unit}
        streams = 1 + max(step.scale for step in network.schedule)
        return {
            "version": VERSION,
            "stride": network.stride,
            "unit": network.pad_multiple,
            **cells,
            "hyper_stride": HYPER_STRIDE,
            "latent_channels": network.latent_channels,
            "hyper_channels": network.hyper_channels,
            "streams": streams,
            "entries": entries,
        }

    def size(self, mul: int, div: int = 1) -> Size:
        return Size.of(mul, div, self.grain)

    def begin(self) -> Trace:
        """A new trace, to which the network's parameters belong."""
        trace = Trace()
        specs = self.network.specs()
        self.network.load({name: trace.parameter(name, spec.shape) for name, spec in specs.items()})
        return trace

    def source(self, trace: Trace, name: str, channels: int, mul: int = 1, div: int = 1) -> Traced:
        size = self.size(mul, div)
        return trace.source(name, channels, size, size)

    def given(self, trace: Trace, vectors: list[tuple[str, int]]) -> Any:
        """The condition as inputs."""
        if not vectors:
            return None
        return self.kind(**{name: trace.source(name, channels, None, None) for name, channels in vectors})

    # ------------------------------------------------------------------------------------------ entries
    def condition(self) -> dict[str, Any]:
        trace = self.begin()
        made: Any = None
        if self.network.rate == "variable":
            quality = trace.source("quality", 1, None, None)
            made = self.network.condition(Traced(trace, quality.operand, (1,)))
        outputs = [(f.name, getattr(made, f.name)) for f in fields(made)] if is_dataclass(made) else []
        self.kind = type(made)
        self.vectors = [(name, array.shape[1]) for name, array in outputs]
        return trace.entry([*outputs, ("z_scale", self.network.z_scale(made))])

    def latents(self, vectors: list[tuple[str, int]]) -> dict[str, Any]:
        trace, network = self.begin(), self.network
        hyper = self.source(trace, "hyper", network.hyper_channels, 1, HYPER_STRIDE // network.stride)
        layout = self.source(trace, "layout", network.latent_channels)
        cond = self.given(trace, vectors)
        pick = network.pick(layout)

        def code(step: Any, mean: Traced, scale: Traced, delta: Traced | None = None) -> Array:
            return trace.node(mean.shape, "code", [mean, scale, delta, pick(step)], step.scale)

        y_hat = network.traverse_grid(hyper, cond, code, (self.size(1), self.size(1)))
        return trace.entry([("latent", y_hat)])

    def picture(self, vectors: list[tuple[str, int]]) -> dict[str, Any]:
        return self.from_latent(vectors, "picture", self.network.synthesise)

    def preview(self, vectors: list[tuple[str, int]]) -> dict[str, Any]:
        return self.from_latent(vectors, "picture", self.network.sketch)

    def hyper_analysis(self, vectors: list[tuple[str, int]]) -> dict[str, Any]:
        return self.from_latent(vectors, "hyper", self.network.hyper_analyse)

    def from_latent(self, vectors: list[tuple[str, int]], output: str, part: Any) -> dict[str, Any]:
        trace = self.begin()
        latent = self.source(trace, "latent", self.network.latent_channels)
        return trace.entry([(output, part(latent, self.given(trace, vectors)))])

    def analysis(self, vectors: list[tuple[str, int]]) -> dict[str, Any]:
        trace = self.begin()
        picture = self.source(trace, "picture", 3, self.network.stride)
        return trace.entry([("latent", self.network.analyse(picture, self.given(trace, vectors)))])
