"""The closed-form start: a working transform codec from the statistics of some crops, before the first gradient step.

The linear path gets the lapped filter and the Karhunen-Loeve transform, tables get steps and scales by high-rate theory
and maximum likelihood, the hyperprior a principal component analysis, the context heads a regression (context_fit.py).
Deep transforms start as zero corrections.
"""

from __future__ import annotations

import math
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.models.lite.layers import ANCHORS
from hpcmcodec.models.lite.model import LiteCondition
from hpcmcodec.models.lite.transforms import BLOCK
from hpcmcodec.nn import operations as ops

from .context_fit import fit_context
from .distributions import LOG_SCALE, logistic_bits
from .initial import Start
from .slopes import lambda_of

_RESIDUAL_GAIN = 0.3  # of the deep transforms' last layers in a block: many residual blocks should start small
_HYPER_STEP = 1.5  # quantiser step of the principal components
_LOGISTIC = 0.55  # scale of the logistic with standard deviation 1: sqrt(3) / pi
_GRID = 45  # log-scales tried in the search for the likeliest


@torch.no_grad()
def from_statistics(
    config: LiteConfig, crops: np.ndarray, seed: int, device: torch.device, *, with_context: bool = True
) -> Start:
    """crops: (N, 3, S, S) uint8, S a multiple of 64; a few hundred of them, or the context heads over-fit.

    Without `with_context` the heads predict nothing: means of zero and scales by channel.
    """
    network = Lite(config)
    arrays = network.initial(seed)
    for name in arrays:
        if re.match(r"(g_a|g_s|h_block)\b.*branch\.3\.weight", name):
            arrays[name] *= np.float32(_RESIDUAL_GAIN)
    network.load({name: torch.from_numpy(array).to(device) for name, array in arrays.items()})
    pictures = torch.from_numpy(crops).to(device)
    _fit_linear(network, pictures)
    y = torch.cat([network.linear.analyse(part.float() / 255) for part in pictures.split(16)])
    _fit_scales(network, y)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(y), generator=generator).to(device)
    cond = network.condition(torch.linspace(0, 1, len(y), device=device)[order])
    y = y * cond.up[:, :, None, None]
    _fit_hyperprior(network, y, cond)
    if with_context:
        fit_context(network, y, cond, generator)
    found = {name: tensor.cpu().numpy() for name, tensor in network.arrays().items()}
    return Start(config, found, {"statistics": {"crops": len(crops), "size": crops.shape[-1]}})


def lapped_matrix() -> Tensor:
    """Orthogonal time-domain pre-filter (16, 16) over a block border (Tran, Liang, Tu 2003, without scaling)."""
    half = BLOCK // 2
    k = torch.arange(half, dtype=torch.float64)
    c2 = torch.cos(math.pi * k[:, None] * (2 * k + 1) / (2 * half)) * math.sqrt(2 / half)
    c2[0] /= math.sqrt(2)
    c4 = torch.cos(math.pi * (2 * k[:, None] + 1) * (2 * k + 1) / (4 * half)) * math.sqrt(2 / half)
    identity, zero = torch.eye(half, dtype=torch.float64), torch.zeros(half, half, dtype=torch.float64)
    flip = identity.flip(0)
    rotation = flip @ c2.t() @ c4 @ flip
    butterfly = torch.cat((torch.cat((identity, flip), 1), torch.cat((flip, -identity), 1)))
    middle = torch.cat((torch.cat((identity, zero), 1), torch.cat((zero, rotation), 1)))
    return (0.5 * butterfly @ middle @ butterfly).float()


def channel_ranks(m: int) -> Tensor:
    """Which principal component (by falling variance) each latent channel holds: neighbours in rank go to different
    groups and halves of slots.py, so that every coding step gets strong and weak ones alike."""
    c = torch.arange(m)
    return (c % (m // 8)) * 8 + (c // (m // 2)) * 4 + (c // (m // 8)) % 4


def _fit_linear(network: Lite, pictures: Tensor) -> None:
    """Lapped filter and Karhunen-Loeve transform, both orthogonal; the latent has unit variance, and the
    tables `log_up` hold standard deviation over quantiser step."""
    m, device = network.latent_channels, pictures.device
    p = lapped_matrix().to(device)
    network.linear.pre.copy_(p)
    network.linear.post.copy_(p.t())
    covariance = torch.zeros(3 * BLOCK**2, 3 * BLOCK**2, dtype=torch.float64, device=device)
    for part in pictures.split(16):
        blocks = F.pixel_unshuffle(ops.lapped_filter(part.float() / 255 - 0.5, p), BLOCK)
        x = blocks.transpose(0, 1).flatten(1).double()
        covariance += x @ x.t() / x.shape[1] * (len(part) / len(pictures))
    values, vectors = torch.linalg.eigh(covariance)
    rank = channel_ranks(m).to(device)
    basis = vectors.flip(1)[:, rank].float()
    sigma = values.flip(0)[rank].clamp_min(1e-12).sqrt().float()
    network.linear.ana.copy_((basis.t() / sigma[:, None])[:, :, None, None])
    network.linear.syn.copy_((basis * sigma)[:, :, None, None])
    anchors = torch.linspace(0, 1, ANCHORS, device=device)
    step = 5.1 / (
        255 * lambda_of(anchors, network.config.slopes).sqrt()
    )  # the best one for an orthonormal transform at this slope
    network.log_up.rows.copy_((sigma / step[:, None]).log())
    network.log_down.rows.copy_(-network.log_up.rows)


def _fit_scales(network: Lite, y: Tensor) -> None:
    """Likeliest logistic scale of every channel at every anchor, by search over a grid."""
    grid = torch.linspace(*LOG_SCALE, _GRID, device=y.device)
    for anchor in range(ANCHORS):
        v = (y * network.log_up.rows[anchor].exp()[:, None, None]).round()
        v = v.transpose(0, 1).flatten(1)[:, ::3]  # a third of the samples is enough
        cost = torch.stack([logistic_bits(v, log_scale).mean(1) for log_scale in grid])
        network.log_scale0.rows[anchor] = grid[cost.argmin(0)]
    network.log_s0.copy_(network.log_scale0.rows)


def _fit_hyperprior(network: Lite, y: Tensor, cond: LiteCondition) -> None:
    """Principal components of the cells' mean log-magnitudes, relative to their mean by quality."""
    weights, s0 = cond.weights, cond.s0
    magnitude = F.avg_pool2d(torch.log1p(y.abs() / s0[:, :, None, None]), 4)
    network.h_mean.rows.copy_(torch.linalg.lstsq(weights, magnitude.mean((2, 3))).solution)
    centred = magnitude - network.h_mean(weights)[:, :, None, None]
    d = centred.transpose(0, 1).flatten(1)
    values, vectors = torch.linalg.eigh(d @ d.t() / d.shape[1])
    nz = network.hyper_channels
    network.h_pca.copy_((vectors.flip(1)[:, :nz].t() / _HYPER_STEP)[:, :, None, None])
    deviation = values.flip(0)[:nz].clamp_min(1e-6).sqrt() / _HYPER_STEP
    network.z_log_scale.rows.copy_((deviation * _LOGISTIC).log().clamp(*LOG_SCALE).expand(ANCHORS, -1))
