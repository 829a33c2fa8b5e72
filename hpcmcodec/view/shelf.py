"""The pictures that a viewer shows, by number, and rectangles of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hpcmcodec.errors import HpcmError, InputError, UsageError

if TYPE_CHECKING:
    from PIL import Image

    from hpcmcodec.codec.api import Decoder, Region

SUFFIX = ".hpc"
ORIGINALS = (".png", ".tif", ".tiff", ".bmp", ".webp", ".jpg", ".jpeg", ".ppm", ".pgm", SUFFIX)
"""Suffixes of files beside which a picture may be shown, the likeliest original first."""
SCALES = (1, 2, 4, 8)
KEPT_FILES, KEPT_IMAGES = 16, 2
T = TypeVar("T")


@dataclass(frozen=True)
class Item:
    """One file: its path, how it is called on the page, and the number of the picture it is shown beside, or None."""

    path: Path
    name: str
    beside: int | None = None


class Shelf:
    """Pictures of a file or folder. Safe to share between threads.

    source: an hpc file, or a folder of them (those below too). other: a picture, or a folder where pictures have the
    same names but for the suffix. Raises InputError, UsageError.
    """

    def __init__(self, source: Path, other: Path | None = None) -> None:
        paths = _paths(source)
        folder = source if source.is_dir() else source.parent
        self.items: list[Item] = []
        extra: list[Path] = []
        for path in paths:
            name = path.relative_to(folder)
            match = None if other is None else _other(other, name)
            beside = None
            if match is not None:
                extra.append(match)
                beside = len(paths) + len(extra) - 1
            self.items.append(Item(path, name.as_posix(), beside))
        self.listed = len(paths)
        """How many of the items are of the gallery; the rest are only shown beside those."""
        self.items += [Item(path, path.name) for path in extra]
        self._files: _Kept[bytes] = _Kept(KEPT_FILES)
        self._images: _Kept[Image.Image] = _Kept(KEPT_IMAGES)
        self._lock = threading.Lock()
        self._decoder: Decoder | None = None

    def describe(self, number: int) -> dict[str, Any]:
        """What the page shows of a picture: size and facts, or an `error` in one line."""
        item = self._item(number)
        about: dict[str, Any] = {"id": number, "name": item.name, "beside": item.beside}
        try:
            return {**about, **self._facts(item)}
        except HpcmError as error:
            return {**about, "error": str(error)}

    def _facts(self, item: Item) -> dict[str, Any]:
        if item.path.suffix.lower() != SUFFIX:
            image = self._image(item)
            return {"width": image.width, "height": image.height, "size": item.path.stat().st_size, "model": None}
        from hpcmcodec.codec.inspect import info

        found = info(self._bytes(item))
        return {**found.to_dict(), "alpha": found.has_alpha}

    def image(self, number: int, region: Region | None = None, scale: int = 1) -> Image.Image:
        """A picture or a rectangle of it, so many times smaller. Raises UsageError and the decoder's errors."""
        if scale not in SCALES:
            raise UsageError("a scale is 1, 2, 4 or 8")
        item = self._item(number)
        if item.path.suffix.lower() == SUFFIX:
            return self._core().decode(self._bytes(item), region, scale=scale, allow_truncated=True)
        image = self._image(item)
        part = (
            image
            if region is None
            else image.crop((region[0], region[1], region[0] + region[2], region[1] + region[3]))
        )
        return part if scale == 1 else part.reduce(scale)

    def _item(self, number: int) -> Item:
        if not 0 <= number < len(self.items):
            raise UsageError("there is no such picture")
        return self.items[number]

    def _core(self) -> Decoder:
        with self._lock:
            if self._decoder is None:
                from hpcmcodec.codec.api import Decoder

                self._decoder = Decoder()
            return self._decoder

    def _bytes(self, item: Item) -> bytes:
        return self._files.get(item.path, _read)

    def _image(self, item: Item) -> Image.Image:
        return self._images.get(item.path, _open)


class _Kept(Generic[T]):
    """What was made of the last few files; made anew when a file changes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[Path, int], T] = OrderedDict()

    def get(self, path: Path, make: Callable[[Path], T]) -> T:
        """make(path), or what it gave before. Raises InputError."""
        try:
            key = (path, path.stat().st_mtime_ns)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        made = make(path)
        with self._lock:
            self._found[key] = made
            while len(self._found) > self._count:
                self._found.popitem(last=False)
        return made


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _open(path: Path) -> Image.Image:
    from hpcmcodec.formats.picture_input import read_picture
    from hpcmcodec.formats.picture_output import picture_to_image

    return picture_to_image(read_picture(path))


def _paths(source: Path) -> list[Path]:
    """The hpc files of a source, in order of their names."""
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.suffix.lower() == SUFFIX and path.is_file())
        if not found:
            raise InputError(f"{source}: there is no {SUFFIX} file in it")
        return found
    if not source.is_file():
        raise InputError(f"{source}: there is no such file or folder")
    return [source]


def _other(other: Path, name: Path) -> Path | None:
    """What a picture is shown beside: `other` itself, or the file of the same name there."""
    if not other.is_dir():
        if not other.is_file():
            raise InputError(f"{other}: there is no such file or folder")
        return other
    for suffix in ORIGINALS:
        for candidate in (other / name.with_suffix(suffix), other / name.with_suffix(suffix.upper())):
            if candidate.is_file():
                return candidate
    return None
