"""What a network says of itself in the header of every file that it codes (FORMAT.md section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hpcmcodec.errors import CorruptError, ModelFileError
from hpcmcodec.models.multiref.config import ADJUSTABLE, MemoryConfig
from hpcmcodec.models.registry import build
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.nn.module import Array, Module
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:  # a bare source tree trains without formats
    from hpcmcodec.formats.header import Setting

N = TypeVar("N", bound="CodecNetwork")


class CodecNetwork(Module):
    """Base of whole networks: their family, and the variant settings that their files carry."""

    config: Any

    @property
    def family(self) -> str:
        """The family that files name, one of `formats.header.FAMILIES`."""
        if self.rwkv_config:
            return "rwkv"
        return "multiref" if self.memory_config else str(self.config.family)

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

    def traverse_grid(self, z_symbols: Array, condition: Any, code: Any, grid: tuple[AnySize, AnySize]) -> Array:
        """`traverse` for a latent of grid = (rows, columns). Most networks know these from the hyper-latent."""
        return self.traverse(z_symbols, condition, code)

    def sketch(self, y_hat: Array, condition: Any) -> Array:
        """What a small picture is made of: like `synthesise`, and faster where a network knows a way."""
        return self.synthesise(y_hat, condition)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Variant settings by the names of `formats.header.SETTINGS`; none for the plain networks."""
        variant = self.rwkv_config or self.memory_config
        return variant.settings if variant else {}

    @property
    def adjustable(self) -> frozenset[str]:
        """Settings that an encoder may choose per picture because they need no other weights: a file's value is a rule
        for its decoder. All others are properties of the model, and a file that differs does not belong to it."""
        return ADJUSTABLE if self.memory_config else frozenset()

    def config_with(self, changes: Mapping[str, Setting]) -> Any:
        """The configuration with other values of adjustable settings. Raises ModelFileError for values that no
        network of this kind has."""
        assert self.memory_config is not None
        return replace(self.config, memory=self.memory_config.changed(changes))

    def as_stored(self, given: Mapping[str, Setting]) -> Mapping[str, Setting]:
        """Settings by the names of `formats.header.SETTINGS`, of some that may be named as fields of the configuration
        where files join several of these in one number. Raises UsageError for values that it cannot have."""
        return given

    def with_settings(self: N, given: Mapping[str, Setting]) -> N:
        """This network, or one of the same weights that obeys the settings of a file.

        Raises CorruptError for a setting that the network does not know or that contradicts it.
        """
        own = self.settings
        for name, value in given.items():
            if name not in own:
                raise CorruptError(f"the file's settings do not belong to its model: it has no {name}")
            if value != own[name] and name not in self.adjustable:
                raise CorruptError(
                    f"the file's settings do not belong to its model: {name} is {value} in the file, {own[name]} in it"
                )
        changes = {name: value for name, value in given.items() if value != own[name]}
        if not changes:
            return self
        try:
            other = build(self.config_with(changes))
        except ModelFileError as error:
            raise CorruptError(f"the file's settings do not belong to its model ({error})") from error
        other.load(self.arrays())
        return other  # type: ignore[return-value]
