"""The context traversal: from hyper parameters and symbols to the decoded latent, step by step (HPCM, section 3.2).

Encoder and decoder run exactly this; they differ only in where `code` gets its symbols from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hpcmcodec.models import geometry
from hpcmcodec.models.attention import CrossAttentionCell
from hpcmcodec.models.config import HpcmConfig
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.multiref.bank import Bank
from hpcmcodec.models.multiref.memory import Memory
from hpcmcodec.models.rwkv.parts import replace_parts
from hpcmcodec.models.schedule import ContextStep, hpcm_schedule
from hpcmcodec.models.spatial_prior import AdaptiveVectors, SpatialPrior, adaptor
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module

Code = Callable[[ContextStep, Array, Array], Array]
"""code(step, mean, scale) -> packed latent, symbol + mean. All of the step's packed shape (N, M / G, h, w)."""


@dataclass(frozen=True)
class State:
    """What one step hands to the next, at the current scale's resolution: a value, never changed in place.

    `context` (N, 2M, h, w) has its scale part above its mean part; `latent` (N, M, h, w) is 0 where nothing is decoded.
    `bank` holds earlier contexts of a network with a memory.
    """

    context: Array
    latent: Array
    bank: Bank = ()


class ContextTraversal(Module):
    """The context networks. Attributes carry the official checkpoint's names, which have no common prefix."""

    def __init__(self, config: HpcmConfig) -> None:
        m, context = config.latent_channels, config.context
        self.schedule = hpcm_schedule()
        self.latent_channels = m
        self.legacy = context.hyper_placement == "legacy"
        entries = [
            sum(step.scale == scale and step.adaptor is not None for step in self.schedule) for scale in (1, 2, 3)
        ]
        self.adaptive_params_list = AdaptiveVectors(sum(entries), 3 * m)
        blocks = context.adaptor_blocks
        self.y_spatial_prior_adaptor_list_s1 = [adaptor(blocks[0], 3 * m) for _ in range(entries[0])]
        self.y_spatial_prior_adaptor_list_s2 = [adaptor(blocks[1], 3 * m) for _ in range(entries[1])]
        self.y_spatial_prior_adaptor_list_s3 = [adaptor(blocks[2], 3 * m) for _ in range(entries[2])]
        self.y_spatial_prior_s1_s2 = SpatialPrior(context.coarse_prior, m)
        self.y_spatial_prior_s3 = SpatialPrior(context.fine_prior, m)
        if context.fusion == "window":
            self.attn_s1, self.attn_s2, self.attn_s3 = (
                CrossAttentionCell(2 * m, window, context.heads) for window in context.windows
            )
        self.context_net = [Conv2d(2 * m, 2 * m), Conv2d(2 * m, 2 * m)]
        if config.rwkv is not None:
            replace_parts(self, config.rwkv, m)
        self.memory = None if config.memory is None else Memory(config.memory, (2 * m,) * 3, (True, True))

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct children; the parts of the memory appear without a prefix."""
        for name, child in super().children():
            yield from child.children() if child is self.memory else ((name, child),)

    def __call__(self, params: Array, code: Code) -> Array:
        """Hyper parameters (N, 2M, H, W), scales above means -> decoded latent (N, M, H, W)."""
        state = self.start(params)
        scale, last = 1, self.schedule[-1]
        for step in self.schedule:
            if step.scale != scale:
                state, scale = self.refine(state, params, step.scale), step.scale
            predicted = self.predict(step, state)
            scales, means = predicted[:, : self.latent_channels], predicted[:, self.latent_channels :]
            packed = code(step, geometry.pack(means, step.pattern), geometry.pack(scales, step.pattern))
            latent = state.latent + geometry.unpack(packed, step.pattern)
            # Nothing reads the context after the last step.
            context, bank = (state.context, ()) if step is last else self.fuse(step, predicted, state)
            state = State(context, latent, bank)
        return state.latent

    def start(self, params: Array) -> State:
        """Scale 1 before anything is decoded: the context is the hyper parameters themselves."""
        context = geometry.sample(geometry.sample(params, SCALE2, parts=2), SCALE1, parts=2)
        bank = self.memory.enter(1, (), context) if self.memory else ()
        return State(context, geometry.zeros(context, self.latent_channels), bank)

    def refine(self, state: State, params: Array, scale: int) -> State:
        """Carry the state to the next finer `scale`, with hyper parameters where nothing is decoded yet."""
        if scale == 2:
            lattice, hyper, net = SCALE1, geometry.hyper_at_scale2(params, legacy=self.legacy), self.context_net[0]
        else:
            lattice, hyper, net = SCALE2, params, self.context_net[1]
        context = net(geometry.overlay(hyper, state.context, lattice, parts=2))
        bank = self.memory.enter(scale, state.bank, context) if self.memory else ()
        return State(context, geometry.scatter(state.latent, lattice), bank)

    def predict(self, step: ContextStep, state: State) -> Array:
        """Scales above means for the whole grid, (N, 2M, h, w); of these the step uses its pattern's elements."""
        if step.adaptor is None or step.gain is None:
            return state.context
        adaptors = (
            self.y_spatial_prior_adaptor_list_s1,
            self.y_spatial_prior_adaptor_list_s2,
            self.y_spatial_prior_adaptor_list_s3,
        )[step.scale - 1]
        adapted = adaptors[step.adaptor](ops.concat((state.context, state.latent)))
        return self.prior(step, adapted, self.adaptive_params_list(step.gain))

    def prior(self, step: ContextStep, adapted: Array, vector: Array) -> Array:
        """Scales above means from what a step's adaptor and adaptive vector give."""
        prior = self.y_spatial_prior_s3 if step.scale == 3 else self.y_spatial_prior_s1_s2
        return prior(adapted, vector, step.scale)

    def fuse(self, step: ContextStep, predicted: Array, state: State) -> tuple[Array, Bank]:
        """The context and the memory bank of the next step."""
        if step.adaptor is None:
            return state.context, state.bank
        context = predicted
        if "attn_s1" in vars(self):
            context = (self.attn_s1, self.attn_s2, self.attn_s3)[step.scale - 1](predicted, state.context)
        return self.memory.step(step, len(self.schedule), state.bank, context) if self.memory else (context, ())
