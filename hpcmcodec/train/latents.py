"""Latents of crops, analysed once and kept in files: what the context alone learns from.

A folder holds pieces of `PIECE` crops each, as numpy's files, every one written whole or not at all: filling it again
goes on where it was interrupted. Its name has a hash of everything that latents depend on: pictures, crops, and the
parameters that analyse them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.errors import OutputError
from hpcmcodec.nn.module import Module

PIECE = 64
"""Crops in a file."""

Analyse = Callable[[int], tuple[Tensor, Tensor, Tensor]]
"""Number of a piece -> y (PIECE, M, h, w), hyper-latents z, qualities (PIECE,)."""
_PARTS = ("y", "z", "quality")


class CachedLatents:
    """The latents of `count` crops (rounded up to whole pieces) of a folder, mapped into memory as they are needed."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.pieces = folder, -(-count // PIECE)

    def fill(self, analyse: Analyse, tell: Callable[[int], object]) -> None:
        """Make the pieces that are missing. tell(n): so many crops are there. Raises OutputError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for i in range(self.pieces):
                if not self._path(i).exists():
                    self._write(i, analyse(i))
                    tell((i + 1) * PIECE)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from error

    def batch(self, seed: int, step: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y, z and qualities of crops that depend on seed and step alone."""
        rng = np.random.default_rng((seed, step))
        chosen = [divmod(int(n), PIECE) for n in rng.integers(self.pieces * PIECE, size=count)]
        rows = [self._mapped[piece][place] for piece, place in chosen]
        y, z, quality = (np.stack([row[name] for row in rows]) for name in _PARTS)
        return y, z, quality

    @cached_property
    def _mapped(self) -> list[np.ndarray]:
        return [np.load(self._path(i), mmap_mode="r") for i in range(self.pieces)]

    def _path(self, i: int) -> Path:
        return self.folder / f"{i:06}.npy"

    def _write(self, i: int, parts: tuple[Tensor, Tensor, Tensor]) -> None:
        kinds = [(name, "<f4", tuple(part.shape[1:])) for name, part in zip(_PARTS, parts, strict=True)]
        rows = np.empty(PIECE, np.dtype(kinds))
        for name, part in zip(_PARTS, parts, strict=True):
            rows[name] = part.cpu().numpy()
        temporary = self._path(i).with_suffix(f".{os.getpid()}.part")
        try:
            with temporary.open("wb") as file:
                np.save(file, rows)
            temporary.replace(self._path(i))
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def analysing(network: Module, parameters: Mapping[str, Tensor], x: Tensor, quality: Tensor) -> set[str]:
    """Names of the parameters that the latents and hyper-latents of pictures x depend on, frozen ones among them."""
    learning = {name: parameter.requires_grad for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    cond = network.condition(quality)
    y = network.analyse(x, cond)
    z = network.hyper_analyse(y, cond)
    found = torch.autograd.grad(y.float().sum() + z.float().sum(), list(parameters.values()), allow_unused=True)
    for name, parameter in parameters.items():
        parameter.requires_grad_(learning[name])
    return {name for name, gradient in zip(parameters, found, strict=True) if gradient is not None}


def key_of(parts: list[str], tensors: Mapping[str, Tensor]) -> str:
    """A hash of texts and of tensors by name."""
    digest = hashlib.sha256("\0".join(parts).encode())
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].detach().float().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
