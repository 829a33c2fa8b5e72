"""What a network says of itself in the header of every file that it codes (FORMAT.md section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hpcmcodec.errors import CorruptError
from hpcmcodec.models.registry import build
from hpcmcodec.nn.module import Module

if TYPE_CHECKING:  # a bare source tree trains without formats
    from hpcmcodec.formats.header import Setting

N = TypeVar("N", bound="CodecNetwork")


class CodecNetwork(Module):
    """Base of whole networks: their family, and the variant settings that their files carry."""

    config: Any
    adjustable: ClassVar[frozenset[str]] = frozenset()
    """Settings that an encoder may choose per picture because they need no other weights: a file's value is a rule for
    its decoder. All others are properties of the model, and a file that differs does not belong to it."""

    @property
    def family(self) -> str:
        """The family that files name, one of `formats.header.FAMILIES`."""
        family: str = self.config.family
        return family

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Variant settings by the names of `formats.header.SETTINGS`; none for the plain networks."""
        return {}

    def config_with(self, changes: Mapping[str, Setting]) -> Any:
        """The configuration with other values of adjustable settings. Raises ModelFileError for values that no
        network of this kind has."""
        return self.config

    def with_settings(self: N, given: Mapping[str, Setting]) -> N:
        """This network, or one of the same weights that obeys the settings of a file.

        Raises CorruptError for a setting that the network does not know or that contradicts it.
        """
        from hpcmcodec.formats.header import SETTINGS

        own = self.settings
        for name, value in given.items():
            if name not in SETTINGS or name not in own:
                raise CorruptError(f"the file's settings do not belong to its model: it has no {name}")
            if value != own[name] and name not in self.adjustable:
                raise CorruptError(
                    f"the file's settings do not belong to its model: {name} is {value} in the file, {own[name]} in it"
                )
        changes = {name: value for name, value in given.items() if value != own[name]}
        if not changes:
            return self
        other = build(self.config_with(changes))
        other.load(self.arrays())
        return other  # type: ignore[return-value]
