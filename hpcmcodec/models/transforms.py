"""Analysis and synthesis transforms of the HPCM family (arXiv 2507.19125, figure 2), under their checkpoint names."""

from __future__ import annotations

from hpcmcodec.models.config import TransformConfig
from hpcmcodec.nn.layers import Conv2d, ConvTranspose2d, PConvRB
from hpcmcodec.nn.module import Array, Module

_PIXEL_CHANNELS = 3


def down(inputs: int, outputs: int, kernel: int = 2) -> Conv2d:
    """Convolution that halves the resolution; `kernel` 2 or 4."""
    return Conv2d(inputs, outputs, kernel, 2, kernel // 2 - 1)


def up(inputs: int, outputs: int, kernel: int = 2) -> ConvTranspose2d:
    """Transposed convolution that doubles the resolution; `kernel` 2 or 4."""
    return ConvTranspose2d(inputs, outputs, kernel, 2, kernel // 2 - 1)


def residual_blocks(count: int, channels: int, partial: int) -> list[Module]:
    """`count` partial-convolution residual blocks."""
    return [PConvRB(channels, partial) for _ in range(count)]


class Chain(Module):
    """Layers applied one after another, in order of definition, under whatever names they were defined."""

    def __call__(self, x: Array) -> Array:
        for _, layer in self.children():
            x = layer(x)
        return x


class Branch(Chain):
    """A chain whose layers are named branch.0, branch.1, ..."""

    def __init__(self, layers: list[Module]) -> None:
        self.branch = layers


class Analysis(Chain):
    """g_a: picture (N, 3, H, W) in 0..1 -> latent y (N, M, H/16, W/16)."""

    def __init__(self, config: TransformConfig) -> None:
        self.branch: list[Module] = []
        inputs = _PIXEL_CHANNELS
        for stage, (width, count) in enumerate(zip(config.widths, config.analysis_blocks, strict=True), 1):
            first = down(inputs, width, config.edge_kernel if stage == 1 else 2)
            blocks = residual_blocks(count, width, config.partial)
            if config.naming == "branch":
                self.branch += [first, *blocks]
            else:
                setattr(self, f"g_a_down{stage}", first)
                setattr(self, f"g_a_chunk{stage}", blocks)
            inputs = width


class Synthesis(Chain):
    """g_s: latent (N, M, H/16, W/16) -> picture (N, 3, H, W), unclamped."""

    def __init__(self, config: TransformConfig) -> None:
        self.branch: list[Module] = []
        for stage in range(len(config.widths), 0, -1):
            width = config.widths[stage - 1]
            outputs = config.widths[stage - 2] if stage > 1 else _PIXEL_CHANNELS
            last = up(width, outputs, config.edge_kernel if stage == 1 else 2)
            blocks = residual_blocks(config.synthesis_blocks[stage - 1], width, config.partial)
            if config.naming == "branch":
                self.branch += [*blocks, last]
            else:
                setattr(self, f"g_s_chunk{stage}", blocks)
                setattr(self, f"g_s_up{stage}", last)
