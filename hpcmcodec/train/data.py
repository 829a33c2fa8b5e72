"""Training pictures: decoded once into a file that is mapped into memory, then random crops of them.

The file holds the pixels of all pictures, one after another as (H, W, 3) uint8, then an index of int64 rows (offset, H,
W, 1 if the picture is stored without loss), then the number of rows as int64. Its name contains a hash of the folder's
listing: another folder, another file.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from hpcmcodec.errors import InputError, OutputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".ppm"})
_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff", ".ppm"})
_LAYOUT = b"2"  # of the file; part of the hash
_WINDOW = 64  # pictures decoded ahead of the writer
_LARGEST_REDUCTION = 2.0
_CLEAN = 2.0  # a picture stored without loss counts as one reduced by this
_CHANCE = 0.7  # in `by_cleanness`, of a logarithm
_CROPS_FOR_THREADS = 16  # in a batch; fewer are cut before threads have started


def find_pictures(folder: Path) -> list[Path]:
    """All pictures of a folder and below, by path. Raises InputError if there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise InputError(f"{folder} holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return found


def read_picture(path: Path) -> np.ndarray | None:
    """(H, W, 3) uint8; None if the file cannot be decoded."""
    try:
        return np.asarray(Image.open(path).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def is_lossless(path: Path) -> bool:
    """Whether a picture's file keeps every pixel; what was done to it before nobody knows."""
    if path.suffix.lower() == ".webp":
        with path.open("rb") as file:
            return file.read(16)[12:] == b"VP8L"
    return path.suffix.lower() in _LOSSLESS


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures. `pixels`: flat uint8, mapped; `index`: rows (offset, H, W, lossless); `key`: hash of the
    listing."""

    pixels: np.ndarray
    index: np.ndarray
    key: str

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> np.ndarray:
        """Picture i, (H, W, 3), a view of the mapped file."""
        offset, height, width = (int(v) for v in self.index[i, :3])
        return self.pixels[offset : offset + height * width * 3].reshape(height, width, 3)


def load_pictures(folder: Path, cache: Path) -> Pictures:
    """The pictures of a folder, decoded into a file in `cache` unless it is there already.

    Raises InputError if no picture can be read, OutputError if the cache cannot be written.
    """
    paths = find_pictures(folder)
    key = _listing_hash(folder, paths)
    target = cache / f"pictures-{key[:16]}.bin"
    if not target.exists():
        try:
            _write_cache(target, paths)
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    return _map(target, key, folder)


def _listing_hash(folder: Path, paths: list[Path]) -> str:
    digest = hashlib.sha256(_LAYOUT)
    for path in paths:
        status = path.stat()
        digest.update(f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _write_cache(target: Path, paths: list[Path]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            index = np.array(list(_append_all(file, paths)), np.int64).reshape(-1, 4)
            file.write(b"\0" * (-file.tell() % 8))
            file.write(index.tobytes() + np.int64(len(index)).tobytes())
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of odd metadata, which is none of training's business. The filters belong to the whole process:
    use it around a pool of threads, not inside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _append_all(file: BinaryIO, paths: list[Path]) -> Iterator[tuple[int, int, int, bool]]:
    with quiet(), ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # decoders work without Python's lock
        for start in range(0, len(paths), _WINDOW):
            window = paths[start : start + _WINDOW]
            for path, picture in zip(window, pool.map(read_picture, window), strict=True):
                if picture is not None:
                    yield file.tell(), picture.shape[0], picture.shape[1], is_lossless(path)
                    file.write(np.ascontiguousarray(picture).data)


def _map(path: Path, key: str, folder: Path) -> Pictures:
    data = np.memmap(path, np.uint8, "r")
    count = int(data[-8:].view(np.int64)[0])
    if not count:
        raise InputError(f"none of the pictures in {folder} can be read")
    index = np.array(data[-8 - 32 * count : -8]).view(np.int64).reshape(count, 4)
    return Pictures(data, index, key)


@dataclass(frozen=True)
class _Place:
    """Where a crop is, (S, S, 3) of a mapped picture, how it is turned, and how clean it is: what it is reduced by, or
    more."""

    pixels: np.ndarray
    clean: float
    turns: int
    mirrored: bool


class Crops:
    """Random square crops: place, flips, rotation by 90 degrees, and a reduction of some of them.

    A batch depends on the seed and the step alone, so a resumed run sees what an uninterrupted one would have seen.
    Pictures are drawn in proportion to their area, those without loss `lossless` times as often; those smaller than a
    crop are left out and counted in `skipped`.
    """

    def __init__(self, pictures: Pictures, size: int, reduce: float, seed: int, lossless: float = 1.0) -> None:
        sides = pictures.index[:, 1:3].min(axis=1)
        fitting = np.flatnonzero(sides >= size)
        if not len(fitting):
            largest = int(sides.max())
            raise InputError(
                f"all {len(pictures)} pictures are smaller than the crop of {size}x{size} pixels;"
                f" use --patch-size (the largest has a shorter side of {largest})"
            )
        self.pictures, self.size, self.reduce, self.seed = pictures, size, reduce, seed
        self.skipped = len(pictures) - len(fitting)
        area = pictures.index[fitting, 1] * pictures.index[fitting, 2]
        weight = area * np.where(pictures.index[fitting, 3] == 1, lossless, 1.0)
        self._fitting, self._share = fitting, np.cumsum(weight) / weight.sum()

    def batch(self, step: int, count: int, share: slice = slice(None)) -> np.ndarray:
        """(count, 3, size, size) uint8; of these only the crops of `share`."""
        places = self._places(step, count)[share]
        if len(places) < _CROPS_FOR_THREADS:
            return np.stack([self._cut(place) for place in places])
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return np.stack(list(pool.map(self._cut, places)))

    def by_cleanness(self, step: int, count: int) -> np.ndarray:
        """Numbers of a batch's crops, those first whose sources show through most, with some chance."""
        clean = [place.clean for place in self._places(step, count)]
        chance = np.random.default_rng((self.seed, step, 1)).random(count)
        return np.argsort(np.log(clean) + _CHANCE * chance)

    def _places(self, step: int, count: int) -> list[_Place]:
        rng = np.random.default_rng((self.seed, step))
        return [self._place(rng) for _ in range(count)]

    def _place(self, rng: np.random.Generator) -> _Place:
        number = self._fitting[np.searchsorted(self._share, rng.random(), "right")]
        picture = self.pictures[number]
        side = self.size
        if rng.random() < self.reduce:
            side = min(int(side * rng.uniform(1.2, _LARGEST_REDUCTION)), *picture.shape[:2])
        y, x = (int(rng.integers(n - side + 1)) for n in picture.shape[:2])
        clean = side / self.size * (_CLEAN if self.pictures.index[number, 3] else 1.0)
        return _Place(picture[y : y + side, x : x + side], clean, int(rng.integers(4)), rng.random() < 0.5)

    def _cut(self, place: _Place) -> np.ndarray:
        crop = place.pixels
        if len(crop) != self.size:
            small = Image.fromarray(crop).resize((self.size, self.size), Image.Resampling.BILINEAR)
            crop = np.asarray(small)
        crop = np.rot90(crop, place.turns)
        crop = crop[:, ::-1] if place.mirrored else crop
        return np.ascontiguousarray(crop.transpose(2, 0, 1))
