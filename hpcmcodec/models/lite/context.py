"""The context model: a recurrent state at two resolutions that predicts every step's means and scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d, DWConvRB
from hpcmcodec.nn.module import Array, Module, Sequential

from .layers import Modulate


@dataclass(frozen=True)
class Decoded:
    """What is known of a slot: latents and their log-magnitudes relative to the channel's scale, both (N, C, h, w)."""

    value: Array
    magnitude: Array

    def channels(self, first: int, count: int) -> Decoded:
        """A range of the channels."""
        part = slice(first, first + count)
        return Decoded(self.value[:, part], self.magnitude[:, part])

    def repeated(self, times: int) -> Decoded:
        """The same channels several times over: neighbours of as many slots."""
        return Decoded.join([self] * times) if times > 1 else self

    def split(self, parts: int) -> list[Decoded]:
        """`parts` slots that were decoded in one step."""
        size = self.value.shape[1] // parts
        return [self.channels(i * size, size) for i in range(parts)]

    @classmethod
    def join(cls, parts: Sequence[Decoded]) -> Decoded:
        """Channel ranges, in order, as one."""
        return cls(ops.concat([p.value for p in parts]), ops.concat([p.magnitude for p in parts]))


class ContextStage(Module):
    """Steps at one resolution. Step t: add to the state what was decoded last, run the shared blocks, predict mean and
    log-scale of the step's elements; a direct depthwise path predicts them from the same channel's known neighbours.

    `inputs[t]` channels were decoded before step t (0: none), `outputs[t]` channels are coded in it, and `direct[t]`
    slots of neighbours are known by then.
    """

    def __init__(
        self, width: int, blocks: int, inputs: Sequence[int], outputs: Sequence[int], direct: Sequence[int]
    ) -> None:
        self.outputs = tuple(outputs)
        self.embed = {t: Conv2d(2 * n, width) for t, n in enumerate(inputs) if n}
        self.mods = [Modulate(width) for _ in outputs]
        self.blocks = Sequential(*(DWConvRB(width) for _ in range(blocks)))
        self.heads = [Conv2d(width, 2 * n, zero=True) for n in outputs]
        self.direct = [_NeighbourWeights(k, n) for k, n in zip(direct, outputs, strict=True)]

    def advance(self, t: int, state: Array, new: Array | None, weights: Array) -> Array:
        """The state of step t. `new`: the feature of what step t - 1 decoded, None at the start."""
        if new is not None:
            state = state + self.embed[t](new)
        return self.blocks(self.mods[t](state, weights))

    def predict(
        self, t: int, state: Array, neighbours: Sequence[Decoded], s0: Array, log_scale0: Array
    ) -> tuple[Array, Array]:
        """Mean and log-scale (N, n, h, w) of step t's elements; s0, log_scale0 (N, n) of its channels."""
        n = self.outputs[t]
        head = ops.as_float32(self.heads[t](state))
        mean = head[:, :n] * s0[:, :, None, None]
        log_scale = head[:, n:] + log_scale0[:, :, None, None]
        for j, slot in enumerate(neighbours):
            to_mean, to_scale = self.direct[t].of(j)
            mean = mean + ops.depthwise(slot.value, to_mean, None)
            log_scale = log_scale + ops.depthwise(slot.magnitude, to_scale, None)
        return mean, log_scale


class _NeighbourWeights(Module):
    """3x3 weights per channel for `slots` slots of neighbours: rows of the mean's, then of the log-scale's."""

    def __init__(self, slots: int, channels: int) -> None:
        self.slots, self.channels = slots, channels
        if slots:
            self.parameter("weight", 2 * slots * channels, 1, 3, 3)

    def of(self, slot: int) -> tuple[Array, Array]:
        n = self.channels
        mean, scale = slot * n, (self.slots + slot) * n
        return self.weight[mean : mean + n], self.weight[scale : scale + n]
