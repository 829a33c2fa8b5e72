"""Hyper-analysis and hyper-synthesis of the HPCM family: what is sent first, and what it says about the latent."""

from __future__ import annotations

from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.transforms import Branch, down, residual_blocks, up
from hpcmcodec.nn.module import Module, Sequential


def hyper_analysis(config: HpcmConfig) -> Module:
    """h_a: latent (N, M, H, W) -> hyper-latent z (N, channels, H/4, W/4)."""
    hyper, latent, partial = config.hyper, config.latent_channels, config.transform.partial
    fine, coarse = hyper.analysis_blocks
    layers: list[Module] = [
        *residual_blocks(fine, latent, partial),
        down(latent, hyper.width),
        *residual_blocks(coarse, hyper.width, partial),
        down(hyper.width, hyper.channels),
    ]
    return _named(config, layers)


def hyper_synthesis(config: HpcmConfig) -> Module:
    """h_s: hyper-latent (N, channels, H/4, W/4) -> parameters (N, 2M, H, W), scales above means."""
    hyper, latent, partial = config.hyper, config.latent_channels, config.transform.partial
    coarse, fine = hyper.synthesis_blocks
    layers: list[Module] = [
        up(hyper.channels, hyper.width),
        *residual_blocks(coarse, hyper.width, partial),
        up(hyper.width, 2 * latent),
        *residual_blocks(fine, 2 * latent, partial),
    ]
    return _named(config, layers)


def _named(config: HpcmConfig, layers: list[Module]) -> Module:
    return Branch(layers) if config.transform.naming == "branch" else Sequential(*layers)
