"""The bank's networks at one scale, phases 1 and 2: what is written of a context, and how it is recalled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.layers import Conv2d
from hpcmcodec.nn.module import Array, Module, constant, fan_in_uniform


@dataclass(frozen=True)
class Entry:
    """A remembered context: a key of length 1 (N, D, h, w), or (N, D, 1, 1) for all positions; a value (N, V, h, w)."""

    key: Array
    value: Array


Bank = tuple[Any, ...]
"""Entries, the oldest first. A value: pushing makes a new bank, and who holds an older one sees it unchanged."""


def push(bank: Bank, entry: Any, max_refs: int) -> Bank:
    """The bank with one more entry; the oldest leaves when there would be more than `max_refs`."""
    return (*bank, entry)[-max_refs:]


@dataclass(frozen=True)
class Recall:
    """How entries are chosen and mixed."""

    config: MemoryConfig

    def direction(self, x: Array) -> Array:
        """A key or query from its projection: of length 1, at every position or of their mean."""
        return ops.unit(ops.pooled(x) if self.config.select else x)

    def __call__(self, query: Array, bank: Bank) -> Array:
        """The mixed values of the entries that are most alike, (N, V, h, w)."""
        keys, values = [entry.key for entry in bank], [entry.value for entry in bank]
        return ops.recall(self.direction(query), keys, values, self.config.topk, self.config.temperature)


class Projection(Module):
    """1x1 convolution without bias."""

    def __init__(self, i: int, o: int) -> None:
        self.parameter("weight", o, i, 1, 1, init=fan_in_uniform())

    def __call__(self, x: Array) -> Array:
        return ops.conv2d(x, self.weight, None)


class Depthwise(Module):
    """Depthwise 3x3 convolution with bias."""

    def __init__(self, channels: int) -> None:
        self.parameter("weight", channels, 1, 3, 3, init=fan_in_uniform())
        self.parameter("bias", channels)

    def __call__(self, x: Array) -> Array:
        return ops.depthwise(x, self.weight, self.bias)


class PlainMemory(Module):
    """Phase 1: values are a projection of the context, what is recalled enters through a gate that starts closed."""

    def __init__(self, config: MemoryConfig, channels: int) -> None:
        self.recall = Recall(config)
        keys, values = channels // config.compress_ratio, channels // config.value_ratio
        self.key = Projection(channels, keys)
        self.value = Conv2d(channels, values)
        self.query = Conv2d(channels, keys)
        self.gate = Conv2d(channels + values, channels)
        if values != channels:
            self.out = Conv2d(values, channels)
        self.parameter("gamma", channels, init=constant(0.0))

    def entry(self, h: Array) -> Entry:
        """What is remembered of a context (N, C, h, w)."""
        return Entry(self.recall.direction(self.key(h)), self.value(h))

    def read(self, bank: Bank, h: Array) -> Array:
        """The context with what the bank holds of its like."""
        return self._fuse(h, self.recall(self.query(h), bank))

    def _fuse(self, h: Array, found: Array) -> Array:
        gate = ops.sigmoid(self.gate(ops.concat((h, found))))
        return ops.add_scaled(h, self.gamma, gate * (self.out(found) if "out" in vars(self) else found))


class DeepMemory(Module):
    """Phase 2: values pass a small network when written, another one after they were mixed, and a residual fusion.

    `reads` False leaves only what writing needs.
    """

    def __init__(self, config: MemoryConfig, channels: int, *, reads: bool) -> None:
        self.recall = Recall(config)
        keys, values = channels // config.compress_ratio, channels // config.value_ratio
        self.key = Projection(channels, keys)
        self.venc_dw, self.venc_pw = Depthwise(channels), Conv2d(channels, values)
        if reads:
            self.query = Conv2d(channels, keys)
            self.vdec_pw, self.vdec_dw = Conv2d(values, channels), Depthwise(channels)
            self.fuse_in, self.fuse_dw = Conv2d(2 * channels, channels), Depthwise(channels)
            self.fuse_out = Conv2d(channels, channels)
            self.gate = Conv2d(2 * channels, channels)
            self.parameter("gamma", channels, init=constant(0.0))

    def entry(self, h: Array) -> Entry:
        """What is remembered of a context (N, C, h, w)."""
        return Entry(self.recall.direction(self.key(h)), ops.leaky_relu(self.venc_pw(self.venc_dw(h))))

    def read(self, bank: Bank, h: Array) -> Array:
        """The context with what the bank holds of its like."""
        return self._fuse(h, self.recall(self.query(h), bank))

    def _fuse(self, h: Array, found: Array) -> Array:
        found = self.vdec_dw(ops.leaky_relu(self.vdec_pw(found)))
        both = ops.concat((h, found))
        gate, found = ops.sigmoid(self.gate(both)), self.fuse_dw(ops.leaky_relu(self.fuse_in(both)))
        return ops.add_scaled(h, self.gamma, gate * self.fuse_out(ops.leaky_relu(found)))


class Transfer(Module):
    """Entries of a coarser scale as entries of the next one: adapted, and enlarged where its grid is finer. Keys of one
    position for all stay that.

    The adapters start as identities, as far as the two scales have channels in common.
    """

    def __init__(self, config: MemoryConfig, channels: int, finer: int, *, doubles: bool) -> None:
        self.doubles, self.select = doubles, config.select
        for name, ratio in (("adapt_key", config.compress_ratio), ("adapt_value", config.value_ratio)):
            setattr(self, name, _Adapter(channels // ratio, finer // ratio))

    def __call__(self, entry: Entry) -> Entry:
        key, value = ops.unit(self.adapt_key(entry.key)), self.adapt_value(entry.value)
        if not self.doubles:
            return Entry(key, value)
        return Entry(key if self.select else ops.double(key), ops.double(value))


class _Adapter(Conv2d):
    def __init__(self, i: int, o: int) -> None:
        super().__init__(i, o)
        self.parameter("weight", o, i, 1, 1, init=lambda rng, shape: _identity(shape))


def _identity(shape: tuple[int, ...]) -> np.ndarray:
    return np.eye(*shape[:2], dtype=np.float32).reshape(shape)
