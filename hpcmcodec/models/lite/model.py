"""The whole `lite` network behind the model interface that the codec and training use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.attention import AttentionBlock
from hpcmcodec.models.config import check_counts, check_positive
from hpcmcodec.models.multiref.bank import Bank
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.multiref.memory import Memory
from hpcmcodec.models.network import CodecNetwork
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.models.rwkv.parts import stage_blocks
from hpcmcodec.models.schedule import Step
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, PConvRB
from hpcmcodec.nn.module import Array, Module, Sequential

from .context import ContextStage, Decoded
from .layers import ANCHORS, Table
from .schedule import COARSE_STEPS, GROUPS, PLAIN_GROUPS, SlotStep, lite_schedule, shape_of
from .slots import BANDS, POSITIONS
from .transforms import Analysis, LinearPath, Synthesis

SLOPES = (0.0018, 0.0932)
"""Lambda of the lowest and the highest quality, log-uniform between them, where a config says nothing else."""
_HEADS = 8
"""Of window attention in the context."""


@dataclass(frozen=True)
class LiteConfig:
    """Sizes of a lite network.

    latent_channels: M, a multiple of 8. hyper_channels: channels of z. widths, blocks: deep transforms at strides 4, 8,
    16. context_widths, context_blocks: state at strides 64 (scales 1, 2) and 32 (scale 3). checkerboard_groups: 2, 4 or
    8, groups that the latent is coded in at scale 3; fewer are faster to decode and predict less (schedule.py).
    slopes: lambda that the lowest and the highest quality were trained for (255^2 MSE against bits per pixel).
    memory: a bank of earlier states, None for none; only in 8 groups.
    rwkv: RWKV blocks in the context, None for none; only in 8 groups and without memory.
    `context_blocks` counts them too, unless they are added to the stages' own.
    attention: blocks of window attention behind those of the context at scale 3.
    wavelet: the four slots of a grid are the Haar bands of its 2x2 cells, the low band first, and not their positions.
    """

    family: ClassVar[str] = "lite"

    latent_channels: int = 320
    hyper_channels: int = 64
    widths: tuple[int, int, int] = (96, 192, 320)
    blocks: tuple[int, int, int] = (2, 3, 4)
    context_widths: tuple[int, int] = (256, 320)
    context_blocks: tuple[int, int] = (3, 3)
    memory: MemoryConfig | None = None
    checkerboard_groups: int = PLAIN_GROUPS
    rwkv: RwkvConfig | None = None
    slopes: tuple[float, float] = SLOPES
    wavelet: bool = False
    attention: int = 0

    def __post_init__(self) -> None:
        check_positive("widths", self.latent_channels, self.hyper_channels, *self.widths, *self.context_widths)
        check_counts("block counts", *self.blocks, *self.context_blocks, self.attention)
        if self.latent_channels % 8:
            raise ModelFileError("model config: the latent needs a multiple of 8 channels")
        if self.checkerboard_groups not in GROUPS:
            raise ModelFileError("model config: checkerboard_groups of lite must be 2, 4 or 8")
        if not 0 < self.slopes[0] < self.slopes[1] <= 1:
            raise ModelFileError("model config: slopes must rise from above 0 to at most 1")
        if self.memory is not None and self.checkerboard_groups != PLAIN_GROUPS:
            raise ModelFileError("model config: a memory bank needs the steps of 8 checkerboard_groups")
        if self.rwkv is not None:
            self.rwkv.check_lite()
            if self.memory is not None or self.checkerboard_groups != PLAIN_GROUPS:
                raise ModelFileError("model config: rwkv in lite needs 8 checkerboard_groups and no memory")


@dataclass(frozen=True)
class LiteCondition:
    """Everything that depends on the quality alone: anchor weights (N, 5) and per-channel vectors (N, M)."""

    weights: Array
    up: Array
    down: Array
    s0: Array
    log_scale0: Array


Code = Callable[[Step, Array, Array], Array]


class Lite(CodecNetwork):
    """Variable-rate codec network; see `LiteConfig`. Scales in its interface are logarithms of logistic scales."""

    stride = 16
    pad_multiple = 64  # a cell of the hyper-latent
    rate = "variable"
    distribution = "logistic"

    def __init__(self, config: LiteConfig) -> None:
        self.config = config
        self.latent_channels, self.hyper_channels = config.latent_channels, config.hyper_channels
        m, nz, (wide, fine) = config.latent_channels, config.hyper_channels, config.context_widths
        self.schedule = lite_schedule(m, config.checkerboard_groups)
        self.slots = BANDS if config.wavelet else POSITIONS
        self.linear = LinearPath(m)
        self.g_a = Analysis(m, config.widths, config.blocks)
        self.g_s = Synthesis(m, config.widths, config.blocks)
        self.log_up, self.log_down = Table(m), Table(m)  # latent -> rounding domain and back
        self.log_scale0 = Table(m)  # log-scale before any context
        self.parameter("log_s0", ANCHORS, m, trained=False)  # its constant twin: the unit of all features
        self.parameter("h_pca", nz, m, 1, 1)
        self.h_mean = Table(m)
        self.h_in, self.h_mid, self.h_out = Conv2d(2 * m, 96), Conv2d(384, 256), Conv2d(1024, nz, zero=True)
        self.h_block = PConvRB(256, partial=4, expansion=2)
        self.z_log_gain, self.z_mean, self.z_log_scale = Table(nz), Table(nz), Table(nz)
        self.h_s = Conv2d(nz, wide)
        coarse_blocks, fine_blocks = config.context_blocks
        self.ctx_a = ContextStage(wide, coarse_blocks, *shape_of(self.schedule[:COARSE_STEPS], before=0))
        self.up_state = Conv2d(wide, 4 * fine)
        self.ctx_b = ContextStage(fine, fine_blocks, *shape_of(self.schedule[COARSE_STEPS:], before=m))
        if config.rwkv is not None:
            self.ctx_b.blocks = stage_blocks(self.ctx_b.blocks, fine, 3, config.rwkv)
            if config.rwkv.phase == 2:
                self.ctx_a.blocks = stage_blocks(self.ctx_a.blocks, wide, 2, config.rwkv)
        if config.attention:
            attention = (AttentionBlock(fine, _HEADS) for _ in range(config.attention))
            self.ctx_b.blocks = Sequential(*self.ctx_b.blocks.layers, *attention)
        wides = (wide, wide, fine)
        self.memory = None if config.memory is None else Memory(config.memory, wides, (False, True))

    @property
    def coded_unit(self) -> int:
        """Bands of bands are of 4x4 latents, and none of a cell can be done without."""
        return 4 * self.stride if self.config.wavelet else self.stride

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct children; the parts of the memory appear without a prefix."""
        for name, child in super().children():
            yield from child.children() if child is self.memory else ((name, child),)

    # ------------------------------------------------------------------------------------------ quality
    def condition(self, quality: Array) -> LiteCondition:
        """quality (N,) in 0..1 (slope lambda = 0.0018 ... 0.0932, log-uniform)."""
        distance = ops.vector([abs(quality * float(ANCHORS - 1) - float(a)) for a in range(ANCHORS)])
        hat = 1.0 - distance
        weights = (hat + abs(hat)) * 0.5  # max(0, hat), exactly
        return LiteCondition(
            weights,
            ops.exp(self.log_up(weights)),
            ops.exp(self.log_down(weights)),
            ops.exp(ops.blend_rows(weights, self.log_s0)),
            self.log_scale0(weights),
        )

    # ------------------------------------------------------------------------------------------ transforms
    def analyse(self, x: Array, cond: LiteCondition) -> Array:
        """Picture (N, 3, H, W) in 0..1 -> latent y (N, M, H/16, W/16) in the domain that is rounded."""
        y = ops.as_float32(self.linear.analyse(x)) + ops.as_float32(self.g_a(x, cond.weights))
        return y * cond.up[:, :, None, None]

    def regain(self, y: Array, made: LiteCondition, wanted: LiteCondition) -> Array:
        """A latent that was analysed under one condition in the rounding domain of another."""
        return y * (wanted.up / made.up)[:, :, None, None]

    def synthesise(self, y_hat: Array, cond: LiteCondition) -> Array:
        """Decoded latent -> picture (N, 3, H, W), not clamped."""
        y = y_hat * cond.down[:, :, None, None]
        return self.linear.synthesise(y) + ops.as_float32(self.g_s(y, cond.weights))

    def sketch(self, y_hat: Array, cond: LiteCondition) -> Array:
        """The linear path alone: what the deep one adds is mostly too fine for a small picture."""
        return self.linear.synthesise(y_hat * cond.down[:, :, None, None])

    # ------------------------------------------------------------------------------------------ hyperprior
    def hyper_analyse(self, y: Array, cond: LiteCondition) -> Array:
        """Latent -> hyper-latent (N, Nz, H/64, W/64): PCA of the cells' mean log-magnitudes, plus a correction.

        It is a summary for the context, not a way to shape y: no gradient goes back through it.
        """
        feature = ops.signed_log_feature(ops.stop_gradient(y), cond.s0)
        magnitude = ops.cell_sum(feature[:, self.latent_channels :], 4) * (1 / 16)
        z = ops.matrix(magnitude - self.h_mean(cond.weights)[:, :, None, None], self.h_pca)
        t = ops.leaky_relu(self.h_in(feature))
        t = ops.leaky_relu(self.h_mid(ops.pixel_unshuffle(t, 2)))
        t = self.h_out(ops.pixel_unshuffle(self.h_block(t), 2))
        gain = ops.exp(self.z_log_gain(cond.weights))
        z = ops.as_float32(z) + ops.as_float32(t)
        return z * gain[:, :, None, None] - self.z_mean(cond.weights)[:, :, None, None]

    def z_scale(self, cond: LiteCondition) -> Array:
        """Log-scales (N, Nz) of the hyper-latent's channels."""
        return self.z_log_scale(cond.weights)

    def _hyper_state(self, z_hat: Array, cond: LiteCondition) -> Array:
        inverse_gain = ops.exp(-self.z_log_gain(cond.weights))
        z = (z_hat + self.z_mean(cond.weights)[:, :, None, None]) * inverse_gain[:, :, None, None]
        return self.h_s(z)

    # ------------------------------------------------------------------------------------------ traversal
    def traverse(self, z_hat: Array, cond: LiteCondition, code: Code) -> Array:
        """Visit all latents in coding order and return y_hat.

        `code(step, mean, log_scale)` returns the step's decoded latents; all three are (N, step.elements, h, w).
        Training, encoding and decoding differ in `code` alone. Decoded values reach the context as constants, so that
        training does not differentiate through the chain of steps.
        """
        live: list[Array] = []

        def keep(step: Step, mean: Array, log_scale: Array) -> Array:
            live.append(code(step, mean, log_scale))
            return ops.stop_gradient(live[-1])

        start = self._hyper_state(z_hat, cond)
        state, bank, slots = self._run_stage(self.ctx_a, self.schedule[:COARSE_STEPS], start, (), None, [], cond, keep)
        coarse = self.slots.together([slot.value for slot in slots])
        feature = ops.signed_log_feature(coarse, cond.s0)
        known = [Decoded(coarse, feature[:, self.latent_channels :])]
        state = ops.pixel_shuffle(self.up_state(state), 2)
        self._run_stage(self.ctx_b, self.schedule[COARSE_STEPS:], state, bank, feature, known, cond, keep)
        return self.assemble(live)

    def _run_stage(
        self,
        stage: ContextStage,
        steps: Sequence[SlotStep],
        state: Array,
        bank: Bank,
        new: Array | None,
        known: list[Decoded],
        cond: LiteCondition,
        code: Code,
    ) -> tuple[Array, Bank, list[Decoded]]:
        """One resolution's steps. `bank`: of the scale before, `new`: feature of what was decoded last, `known`: all
        complete slots. Returns the state and the bank after the last step, and the complete slots."""
        known, parts, scale = list(known), [], 0
        for step in steps:
            if self.memory and step.scale != scale:
                bank, scale = self.memory.enter(step.scale, bank, state), step.scale
            channels = slice(step.first, step.first + step.count)
            s0, log_scale0 = (step.repeated(v[:, channels]) for v in (cond.s0, cond.log_scale0))
            state = stage.advance(step.stage_step, state, new, cond.weights)
            neighbours = [slot.channels(step.first, step.count).repeated(step.slots) for slot in known]
            value = code(step, *stage.predict(step.stage_step, state, neighbours, s0, log_scale0))
            new = ops.signed_log_feature(value, s0)
            parts.append(Decoded(value, new[:, step.elements :]))
            if step.completes(self.latent_channels):
                known += Decoded.join(parts).split(step.slots)
                parts = []
            if self.memory:
                state, bank = self.memory.step(step, len(self.schedule), bank, state)
        return state, bank, known

    def assemble(self, steps: list[Array]) -> Array:
        """The latent from the steps' elements in coding order: the inverse of `pick`."""
        coarse, fine = ops.concat(steps[:COARSE_STEPS]), ops.concat(steps[COARSE_STEPS:])  # slot after slot
        m = self.latent_channels
        return self.slots.together([self.slots.together(_parts(coarse, m)), *_parts(fine, m)])

    def pick(self, y: Array) -> Callable[[Step], Array]:
        """The elements of y (N, M, H, W) that a step codes, in the layout of its mean and scale."""
        fine = self.slots.apart(y)
        coarse = self.slots.apart(fine[0])

        def elements(step: Step) -> Array:
            assert isinstance(step, SlotStep)
            slots = (fine if step.scale == 3 else coarse)[step.slot : step.slot + step.slots]
            parts = [slot[:, step.first : step.first + step.count] for slot in slots]
            return parts[0] if len(parts) == 1 else ops.concat(parts)

        return elements

    def nested(self, y: Array) -> list[tuple[Array, Array]]:
        """For scales 1 and 2: their own latents (N, M, h, w), and for each of them the mean of the three latents that
        the next finer scale adds to its 2x2 cell."""
        fine = self.slots.apart(y)
        return [(s[0], (s[1] + s[2] + s[3]) / 3.0) for s in (self.slots.apart(fine[0]), fine)]


def _parts(x: Array, size: int) -> list[Array]:
    """x cut into parts of `size` channels."""
    return [x[:, first : first + size] for first in range(0, x.shape[1], size)]
