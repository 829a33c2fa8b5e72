"""The interface of whole networks: what training, tracing and the codec's tools may ask of one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.sizes import AnySize

Code: TypeAlias = Callable[..., Array]
"""code(step, mean, scale[, delta]) -> a step's decoded elements, value * delta + mean; all of one shape."""


class CodecNetwork(Module):
    """A network from pictures (N, 3, H, W) in 0..1, sides multiples of `pad_multiple`, to latents and back.

    stride: pixels along a side per latent. rate: whether a condition chooses the quality, or the weights do.
    distribution: what scales mean, a key of `entropy.tables.DISTRIBUTIONS`. schedule: the coding steps, `Step`s.
    """

    config: Any
    stride: int
    pad_multiple: int
    rate: Literal["variable", "fixed"]
    distribution: str
    latent_channels: int
    hyper_channels: int
    schedule: Any

    @property
    def coded_unit(self) -> int:
        """Pixels along a side of a cell of latents that are all coded or none; a latent's, if nothing else is said."""
        return self.stride

    @property
    def rwkv_config(self) -> RwkvConfig | None:
        """The RWKV parts, if the network has any."""
        rwkv: RwkvConfig | None = getattr(self.config, "rwkv", None)
        return rwkv

    @property
    def memory_config(self) -> MemoryConfig | None:
        """The memory bank, if the network has one."""
        memory: MemoryConfig | None = getattr(self.config, "memory", None)
        return memory

    @abstractmethod
    def condition(self, quality: Array) -> Any:
        """What depends on the quality (N,) in 0..1 alone: a dataclass of vectors, or None for one rate."""

    @abstractmethod
    def analyse(self, x: Array, condition: Any) -> Array:
        """Picture -> latent y (N, M, H / stride, W / stride) in the domain that is rounded."""

    @abstractmethod
    def hyper_analyse(self, y: Array, condition: Any) -> Array:
        """Latent -> hyper-latent (N, hyper_channels, ceil(H / 64), ceil(W / 64)); symbols are its rounding."""

    @abstractmethod
    def z_scale(self, condition: Any) -> Array:
        """Scale of every hyper-latent channel, (N, hyper_channels)."""

    @abstractmethod
    def traverse(self, z_symbols: Array, condition: Any, code: Code) -> Array:
        """Visit all coding steps in order; encoder, decoder and training differ in `code` alone. Returns y_hat."""

    def traverse_grid(self, z_symbols: Array, condition: Any, code: Code, grid: tuple[AnySize, AnySize]) -> Array:
        """`traverse` for a latent of grid = (rows, columns). Most networks know these from the hyper-latent."""
        return self.traverse(z_symbols, condition, code)

    @abstractmethod
    def pick(self, y: Array) -> Callable[[Any], Array]:
        """A function that gives the elements of a latent that a step codes, in the layout of its mean and scale."""

    @abstractmethod
    def synthesise(self, y_hat: Array, condition: Any) -> Array:
        """Decoded latent -> picture, not clamped."""

    def sketch(self, y_hat: Array, condition: Any) -> Array:
        """What a small picture is made of: like `synthesise`, and faster where a network knows a way."""
        return self.synthesise(y_hat, condition)
