"""Model files: weights, entropy tables and description in one safetensors file (FORMAT.md section 8).

Identity. The file's metadata has two texts. `hpcmcodec` is the manifest: JSON with the network's config, its program,
the family of distributions, and of every tensor its type, shape and SHA-256. `hpcmcodec.about` holds what may change
without changing a decoded bit: name, provenance, measured quality. The identity is the SHA-256 of the manifest's UTF-8
bytes as stored, so it is known from the file's head alone; each tensor is held to its own hash when it is read. An
adapter names a base model and holds only what differs from it.

Files are read into memory up to a size, so that nothing that happens to them later matters; larger ones are mapped:
replace these by renaming (as `write` does), never change them in place.
"""

from __future__ import annotations

import mmap
import os
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcmcodec.errors import MissingModelError, ModelFileError
from hpcmcodec.forking import lazy_property
from hpcmcodec.formats.half import half_to_single
from hpcmcodec.formats.model_arrays import DTYPES, finite, sha256, table_problem, usable_factors
from hpcmcodec.formats.model_head import SCARCE, Head, Summary, peek
from hpcmcodec.formats.model_rules import LEVELS, PREFIX, TABLES
from hpcmcodec.formats.model_writer import write

__all__ = ["ModelFile", "Summary", "peek", "read", "stored_tensors", "write"]

_MOST_READ = 1 << 28  # bytes of a file that is read and not mapped
_THREADS = 4
_ALIGNMENT = 16  # floats: a cache line


@dataclass(frozen=True)
class ModelFile(Summary):
    """A model file, checked. `tensors`: name -> read-only float32 array; they are read and checked when the
    first one is asked for. `data`: the bytes of the whole file.

    Row r of the entropy tables is cdf[starts[r] : starts[r] + lengths[r]], strictly rising from 0 to 65536; its last
    symbol is the escape, symbol i before that the integer offsets[r] + i. The row for a predicted scale is the number
    of thresholds strictly below it: y_thresholds for latents, z_thresholds for hyper-latents. `levels`, None without a
    trellis: (2, R, 4) of R rows, see FORMAT.md section 7.4.
    """

    tensors: Mapping[str, NDArray[np.float32]]
    cdf: NDArray[np.int32]
    starts: NDArray[np.int32]
    lengths: NDArray[np.int32]
    offsets: NDArray[np.int32]
    y_thresholds: NDArray[np.float32]
    z_thresholds: NDArray[np.float32]
    levels: NDArray[np.float32] | None
    data: memoryview

    def verify(self) -> None:
        """Reads every tensor. Raises ModelFileError for the first that is damaged or not finite."""
        dict(self.tensors)


FindBase = Callable[[bytes], ModelFile]
"""Identity (32 bytes) -> the model of it. Raises MissingModelError."""


def read(path: str | Path, find_base: FindBase | None = None) -> ModelFile:
    """A model file with its tables checked; weights are checked as they are used. find_base: where an adapter's base
    comes from. Raises ModelFileError, MissingModelError for a base that is not found."""
    source = _Source(Path(path))
    own = _Weights(source)
    tables: dict[str, Any] = {name: source.raw(PREFIX + name) for name in TABLES}
    levels = source.raw(PREFIX + LEVELS) if PREFIX + LEVELS in source.entries else None
    problem = table_problem(**tables, levels=levels)
    if problem:
        raise ModelFileError(f"{path}: {problem}")
    levels = None if levels is None else levels.reshape(2, -1, 4)
    tensors = own if source.summary.base is None else _over(own, source.summary, find_base)
    return ModelFile(**vars(source.summary), tensors=tensors, **tables, levels=levels, data=source.data)


def _over(own: _Weights, adapter: Summary, find_base: FindBase | None) -> Mapping[str, NDArray[np.float32]]:
    """An adapter's parameters before those of its base."""
    assert adapter.base is not None
    if find_base is None:
        raise MissingModelError(f"{adapter.path} builds on the model {adapter.base[:8].hex()}, which is not at hand")
    return ChainMap(own, find_base(adapter.base).tensors)  # type: ignore[arg-type]  # read only


def stored_tensors(path: str | Path) -> dict[str, NDArray[Any]]:
    """The parameters as they stand in a model file, with the factors of int8 ones. Raises ModelFileError."""
    source = _Source(Path(path))
    return {name: source.raw(name) for name in source.entries if not name.startswith(PREFIX)}


# ------------------------------------------------------------------------------------------------ reading
class _Source(Head):
    """A file: its head, and tensors as they are stored, held to their hashes."""

    @lazy_property
    def data(self) -> memoryview:
        """The whole file, read or mapped when it is first asked for. Raises ModelFileError."""
        try:
            with self.path.open("rb") as file:
                if self.size <= _MOST_READ:
                    content: bytes | mmap.mmap = file.read()
                else:
                    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in SCARCE:
                raise
            raise ModelFileError(f"{self.path} cannot be read ({error})") from error
        if len(content) != self.size:
            raise ModelFileError(f"{self.path} was changed while it was read")
        return memoryview(content)

    def raw(self, name: str) -> NDArray[Any]:
        """A tensor in its stored type, read-only. Raises ModelFileError if it is damaged or not finite."""
        dtype, shape, digest = self.entries[name]
        array = np.frombuffer(self.data, DTYPES[dtype], self.size_of(name), self.places[name]).reshape(shape)
        if sha256(array) != digest:
            raise ModelFileError(f"{self.path} is damaged: {name} does not fit its hash; get the file again")
        if not finite(array):
            raise ModelFileError(f"{self.path}: {name} has values that are not finite")
        return array

    def weight(self, name: str, out: NDArray[np.float32]) -> None:
        """A parameter as float32 into `out`: half precision widened exactly, int8 times its row's factor, rounded
        once."""
        array = self.raw(name)
        if array.dtype == np.float16:
            half_to_single(array, out)
        elif array.dtype == np.int8:
            factors = self.raw(f"{name}.scale")
            if not usable_factors(factors):
                raise ModelFileError(f"{self.path}: {name}.scale has factors that are too small or too large")
            np.multiply(array, factors.reshape(-1, *[1] * (array.ndim - 1)), out=out, dtype=np.float32)
        else:
            out[...] = array


class _Weights(Mapping[str, NDArray[np.float32]]):
    """Parameters by name. The first access reads all of them, on a few threads, into one piece of memory: thousands of
    small allocations would cost more than the reading."""

    def __init__(self, source: _Source) -> None:
        self._source, self._names = source, source.weight_names()

    @lazy_property
    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        source, arrays, position = self._source, {}, 0
        sizes = [-(-source.size_of(name) // _ALIGNMENT) * _ALIGNMENT for name in self._names]
        memory = np.empty(sum(sizes), np.float32)
        for name, size in zip(self._names, sizes, strict=True):
            arrays[name] = memory[position : position + source.size_of(name)].reshape(source.entries[name][1])
            position += size
        _fill(source, arrays)
        for array in arrays.values():
            array.flags.writeable = False
        return arrays

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _fill(source: _Source, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Reads the parameters into their arrays on a few threads. (concurrent.futures would cost a command more than the
    reading does.)"""
    waiting, errors = iter(arrays.items()), []

    def work() -> None:
        try:
            for name, array in waiting:  # each goes to whichever thread asks first
                source.weight(name, array)
        except Exception as error:
            errors.append(error)

    others = [Thread(target=work, name="hpcm-weights") for _ in range(min(_THREADS, os.cpu_count() or 1) - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
