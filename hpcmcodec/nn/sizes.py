"""Heights and widths that are not known yet: what a traced network's arrays have instead of numbers.

All sizes of a network follow from one number n, the rows (or columns) of the latent grid. They are multiples of n over
whole numbers, rounded up: `mul * ceil(n / div)`. Networks compute with sizes through `ceil_div` and `round_up`, which
take plain numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TypeAlias


@dataclass(frozen=True)
class Size:
    """mul * ceil(n / div), or mul * floor(n / -div) where div is negative. n is a multiple of `grain`."""

    mul: int
    div: int
    grain: int = 1

    @classmethod
    def of(cls, mul: int, div: int, grain: int) -> Size:
        """The same in lowest terms, where the division leaves no rest."""
        if div > 0 and grain % div == 0:
            common = gcd(mul, div)
            mul, div = mul // common, div // common
        return cls(mul, div, grain)

    def at(self, n: int) -> int:
        """Its value on a grid of n rows (or columns)."""
        return self.mul * (-(-n // self.div) if self.div > 0 else n // -self.div)

    def __mul__(self, factor: int) -> Size:
        return Size.of(self.mul * factor, self.div, self.grain)

    __rmul__ = __mul__

    def over(self, divisor: int, *, whole: bool = False) -> Size:
        """The quotient rounded up. `whole`: there must not be a rest. Raises ValueError for what no size can say."""
        if self.mul % divisor == 0:
            return Size.of(self.mul // divisor, self.div, self.grain)
        if divisor % self.mul == 0:
            result = Size.of(1, self.div * (divisor // self.mul), self.grain)
            if not whole or self.grain % (self.div * (divisor // self.mul)) == 0:
                return result
        elif self.grain % (self.div * divisor) == 0:
            return Size.of(self.mul, self.div * divisor, self.grain)
        raise ValueError(f"{self.mul} * ceil(n / {self.div}) over {divisor} is no size")

    def half_down(self) -> Size:
        """Half of n itself, rounded down."""
        if (self.mul, self.div) != (1, 1):
            raise ValueError("only the latent grid itself is halved downwards")
        return Size(1, 2, self.grain) if self.grain % 2 == 0 else Size(1, -2, self.grain)

    @property
    def stored(self) -> list[int]:
        """As programs hold it."""
        return [self.mul, self.div]


AnySize: TypeAlias = int | Size


def ceil_div(size: AnySize, divisor: int) -> AnySize:
    """size / divisor rounded up."""
    return size.over(divisor) if isinstance(size, Size) else -(-size // divisor)


def divide(size: AnySize, divisor: int) -> AnySize:
    """size / divisor. Raises ValueError where there is a rest."""
    if isinstance(size, Size):
        return size.over(divisor, whole=True)
    if size % divisor:
        raise ValueError(f"{size} is no multiple of {divisor}")
    return size // divisor


def floor_half(size: AnySize) -> AnySize:
    """size / 2 rounded down."""
    return size.half_down() if isinstance(size, Size) else size // 2


def round_up(size: AnySize, unit: int) -> AnySize:
    """The next multiple of unit."""
    return ceil_div(size, unit) * unit
