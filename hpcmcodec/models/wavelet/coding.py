"""What both traversals of the bands share: what a band starts from, and how the elements of a step are coded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hpcmcodec.models.wavelet.schedule import BandStep, Places
from hpcmcodec.nn import operations as ops
from hpcmcodec.nn.module import Array
from hpcmcodec.nn.sizes import AnySize


class Code(Protocol):
    """code(step, mean, scale) -> symbol + mean; all (N, K), the elements of the step's bands one band after another.

    With the steps `delta` of the quantiser, which are given where a network has them: symbol * delta + mean; `scale` is
    in units of them.
    """

    def __call__(self, step: BandStep, mean: Array, scale: Array, delta: Array = ..., /) -> Array: ...


@dataclass(frozen=True)
class BandSource:
    """What is known of a band before its first symbol. `number`: in `bands.BANDS`; `params` (N, 2M, h, w): its hyper
    parameters, scales above means; `delta` (N, M, h, w): steps of the quantiser, None for 1; `prior` (N, M, h, w): what
    is known of the low band, None in the low band itself."""

    number: int
    params: Array
    delta: Array | None = None
    prior: Array | None = None

    def extended(self, rows: AnySize, columns: AnySize) -> BandSource:
        """On a larger grid."""

        def grown(x: Array | None) -> Array | None:
            return None if x is None else ops.extend(x, rows, columns)

        return replace(self, params=grown(self.params), delta=grown(self.delta), prior=grown(self.prior))


def code_elements(
    step: BandStep,
    predicted: Sequence[Array],
    latents: Sequence[Array],
    deltas: Sequence[Array | None],
    places: Places,
    code: Code,
) -> list[Array]:
    """Code a step: of each of its bands predictions (N, 2M, *grid), scales above means, and what is decoded so far
    (N, M, *grid). Returns what is decoded now. A step without elements is not given to `code`."""
    if places.empty(step):
        return list(latents)
    m, rule = places.channels, places.of(step)
    means = ops.select([p[:, m:] for p in predicted], rule)
    scales = ops.select([p[:, :m] for p in predicted], rule)
    steps = [delta for delta in deltas if delta is not None]
    if steps:
        delta = ops.select(steps, rule)
        values = code(step, means, scales / delta, delta)
    else:
        values = code(step, means, scales)
    return [latent + ops.place(values, rule, index, *places.grid) for index, latent in enumerate(latents)]
