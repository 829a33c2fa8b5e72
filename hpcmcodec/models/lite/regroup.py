"""Weights of a lite network in fewer groups at the finest scale, made from those of one in more: where training starts.

Steps of the same width become one: heads and neighbour weights are put side by side, what a later step would have known
of an earlier one is dropped. Predictions lose what they lose with it, so the result is no substitute for training.
"""

from __future__ import annotations

import numpy as np

Weights = dict[str, np.ndarray]
_STAGE = "ctx_b"


def fewer_groups(weights: Weights, latent_channels: int, own: int, wanted: int) -> Weights:
    """Parameters by name for `wanted` of 8, 4, 2 groups from those for `own`, which are more."""
    if own == 8:
        weights, own = _whole_slots(weights, latent_channels), 4
    return weights if own == wanted else _checkerboard(weights, latent_channels)


def _whole_slots(w: Weights, m: int) -> Weights:
    """Eight groups to four: the steps of a slot's two halves become one."""
    new = {name: array for name, array in w.items() if not name.startswith(_STAGE) or ".blocks." in name}
    new |= {name: w[name] for name in w if name.startswith(f"{_STAGE}.embed.0.")}
    half = m // 2
    for t in range(3):
        a, b = 2 * t, 2 * t + 1
        new[f"{_STAGE}.mods.{t}.table.rows"] = w[f"{_STAGE}.mods.{a}.table.rows"]
        if t:
            first, second = (w[f"{_STAGE}.embed.{s}.weight"] for s in (a - 1, a))
            parts = (first[:, :half], second[:, :half], first[:, half:], second[:, half:])
            new[f"{_STAGE}.embed.{t}.weight"] = np.concatenate(parts, 1)
            new[f"{_STAGE}.embed.{t}.bias"] = w[f"{_STAGE}.embed.{a - 1}.bias"] + w[f"{_STAGE}.embed.{a}.bias"]
        _join(new, w, t, (a, b), half, t + 1)
    return new


def _checkerboard(w: Weights, m: int) -> Weights:
    """Four groups to two: the steps of slots 2 and 3 become one, which knows slots 0 and 1."""
    new = {name: array for name, array in w.items() if not name.startswith(_STAGE) or ".blocks." in name}
    new |= {name: array for name, array in w.items() if name.startswith(_STAGE) and ".0." in name.replace("blocks", "")}
    for name in ("mods.1.table.rows", "embed.1.weight", "embed.1.bias"):
        new[f"{_STAGE}.{name}"] = w[f"{_STAGE}.{name}"]
    _join(new, w, 1, (1, 2), m, 2)
    return new


def _join(new: Weights, w: Weights, t: int, steps: tuple[int, int], n: int, known: int) -> None:
    """Heads and neighbour weights of step t from those of two steps of n channels each; `known` slots are used."""
    for part in ("weight", "bias"):
        heads = [w[f"{_STAGE}.heads.{s}.{part}"] for s in steps]
        new[f"{_STAGE}.heads.{t}.{part}"] = np.concatenate([h[i : i + n] for i in (0, n) for h in heads])
    grids = []
    for s in steps:
        direct = w[f"{_STAGE}.direct.{s}.weight"]
        grids.append(direct.reshape(2, -1, n, *direct.shape[1:])[:, :known])  # mean or scale, slot, channel
    joined = np.concatenate(grids, 2)
    new[f"{_STAGE}.direct.{t}.weight"] = np.ascontiguousarray(joined.reshape(-1, *joined.shape[3:]))
