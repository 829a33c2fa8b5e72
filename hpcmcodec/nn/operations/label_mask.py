"""Operation label_mask (FORMAT.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcmcodec.nn.build import labels_of, stored
from hpcmcodec.nn.labels import Labels, mask
from hpcmcodec.nn.operation import Array, operation
from hpcmcodec.nn.sizes import AnySize

if TYPE_CHECKING:
    from torch import Tensor


@operation
def label_mask(
    like: Array,
    labels: Labels,
    channels: int,
    below: int,
    part: tuple[AnySize, AnySize],
    grid: tuple[AnySize, AnySize],
) -> Array:
    """(N, channels, *grid), an array of the kind of `like`: 1 where the label is below `below` and the position in the
    top left `part`, 0 elsewhere."""
    sizes = [stored(size) for size in (*part, *grid)]
    return like.trace.node((1, channels, *grid), "label_mask", [], channels, *labels_of(labels), below, *sizes)


@label_mask.torch
def _(like: Tensor, labels: Labels, channels: int, below: int, part: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    import torch

    known = torch.from_numpy(mask(labels, channels, below, part, grid)).to(like.device, like.dtype)
    return known.expand(len(like), -1, -1, -1)
