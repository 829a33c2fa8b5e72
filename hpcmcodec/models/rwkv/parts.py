"""What RWKV blocks replace in the HPCM context model; calls are those of the parts that they stand for."""

from __future__ import annotations

from typing import Any

from hpcmcodec.models.rwkv.blocks import Block
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module, Sequential


class WindowBlock(Block):
    """A block with a scan window of its own, for a part that serves one scale."""

    def __init__(self, channels: int, rate: int, window: int, config: RwkvConfig) -> None:
        self.window = window
        super().__init__(channels, rate, config)

    def __call__(self, x: Array) -> Array:  # type: ignore[override]
        return super().__call__(x, self.window)


class ContextCell(Block):
    """The next context from new parameters and the previous context, instead of window attention.

    A block between two projections, all under the cell's own name.
    """

    def __init__(self, channels: int, rate: int, window: int, config: RwkvConfig) -> None:
        self.window = window
        self.input_proj, self.output_proj = Conv2d(2 * channels, channels), Conv2d(channels, channels)
        super().__init__(channels, rate, config)

    def __call__(self, parameters: Array, context: Array) -> Array:  # type: ignore[override]
        """Both (N, channels, H, W) -> the next context, same shape."""
        mixed = super().__call__(self.input_proj(ops.concat((parameters, context))), self.window)
        return self.output_proj(mixed)


class FusionNet(Module):
    """The network between two scales: blocks, then the 1x1 convolution that the base network has alone."""

    def __init__(self, channels: int, window: int, config: RwkvConfig) -> None:
        self.blocks = [WindowBlock(channels, config.fusion_rate, window, config) for _ in range(config.fusion_blocks)]
        self.out_proj = Conv2d(channels, channels)

    def __call__(self, x: Array) -> Array:
        for block in self.blocks:
            x = block(x)
        return self.out_proj(x)


class BlockPrior(Module):
    """A spatial prior of RWKV blocks: adapted input (N, 3M, H, W) and a step's adaptive vector (1, 3M, 1, 1) -> scales
    above means, (N, 2M, H, W). The coarse prior serves scales 1 and 2, each with its own window."""

    def __init__(self, counts: tuple[int, int], latent_channels: int, config: RwkvConfig) -> None:
        width, (before, after) = 3 * latent_channels, counts
        self.windows = config.windows
        self.branch_1 = [Block(width, config.prior_rate, config) for _ in range(before)]
        self.branch_2: list[Module] = [Block(width, config.prior_rate, config) for _ in range(after)]
        self.branch_2.append(Conv2d(width, 2 * latent_channels))

    def __call__(self, x: Array, vector: Array, scale: int) -> Array:
        """`scale` is the grid's, 1 to 3."""
        window = self.windows[scale - 1]
        for block in self.branch_1:
            x = block(x, window)
        x = x * vector
        *blocks, projection = self.branch_2
        for layer in blocks:
            x = layer(x, window)
        return projection(x)


def replace_parts(context: Any, config: RwkvConfig, latent_channels: int) -> None:
    """Put the parts of the configured phase in the place of those of a context traversal."""
    width, sides = 2 * latent_channels, config.windows
    for scale in (1, 2, 3) if config.phase >= 2 else (3,):
        cell = ContextCell(width, config.cell_rates[scale - 1], sides[scale - 1], config)
        setattr(context, f"attn_s{scale}", cell)
    if config.phase >= 3:
        context.context_net = [FusionNet(width, side, config) for side in sides[1:]]
    if config.phase >= 4:
        context.y_spatial_prior_s1_s2 = BlockPrior(config.coarse_prior_blocks, latent_channels, config)
        context.y_spatial_prior_s3 = BlockPrior(config.fine_prior_blocks, latent_channels, config)


def stage_blocks(own: Sequential, width: int, scale: int, config: RwkvConfig) -> Sequential:
    """The blocks of a context stage of lite that ends with a scale: in place of its own or behind them."""
    rate, side = config.cell_rates[scale - 1], config.windows[scale - 1]
    kept, count = (own.layers, config.added) if config.added else ((), len(own.layers))
    return Sequential(*kept, *(WindowBlock(width, rate, side, config) for _ in range(count)))
