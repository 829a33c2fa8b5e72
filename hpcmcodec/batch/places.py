"""Files in remote storages, named by URLs that fsspec understands, with the methods of `Path` that a batch needs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hpcmcodec.errors import HpcmError, InputError, OutputError, StorageError, UsageError

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""Protocol -> the extra of this package that brings what fsspec needs for it."""
OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})
"""Protocols where an object appears whole or not at all, so that it needs no other name while it is written."""


@dataclass(frozen=True)
class Url:
    """A file or folder in a remote storage. Credentials and endpoints are the storage library's business: it reads its
    usual environment variables and files.

    Methods raise InputError or OutputError for what will fail again (missing, forbidden), StorageError for what may
    work when tried again, UsageError where a library is missing.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, below: str | Path) -> Url:
        return Url(f"{self.text}/{PurePosixPath(below).as_posix() if isinstance(below, str) else below.as_posix()}")

    @property
    def protocol(self) -> str:
        return self.text.partition("://")[0].lower()

    @property
    def name(self) -> str:
        return self.text.partition("://")[2].rpartition("/")[2]

    @property
    def parent(self) -> Url:
        return Url(self.text.rpartition("/")[0])

    def with_suffix(self, suffix: str) -> Url:
        return self.parent / PurePosixPath(self.name).with_suffix(suffix).name

    def is_dir(self) -> bool:
        with self._translated(InputError):
            return bool(self._fs.isdir(self._path))

    def exists(self) -> bool:
        with self._translated(InputError):
            return bool(self._fs.exists(self._path))

    def files(self) -> list[str]:
        """Paths of all files below this folder, relative to it, sorted."""
        with self._translated(InputError):
            self._fs.invalidate_cache()
            root = self._path.rstrip("/")
            return sorted(path[len(root) :].lstrip("/") for path in self._fs.find(root))

    def read_bytes(self) -> bytes:
        with self._translated(InputError):
            return bytes(self._fs.cat_file(self._path))

    def write_bytes(self, data: bytes) -> None:
        """Makes `data` the content of the file, whole or not at all, and folders for it."""
        with self._translated(OutputError):
            if self.protocol in OBJECT_STORES:
                self._fs.pipe_file(self._path, data)
                return
            folder, _, name = self._path.rpartition("/")
            self._fs.makedirs(folder, exist_ok=True)
            temporary = f"{folder}/.hpcm-{os.urandom(8).hex()}.part"
            try:
                self._fs.pipe_file(temporary, data)
                self._fs.mv(temporary, f"{folder}/{name}")
            except BaseException:
                with suppress(Exception):
                    self._fs.rm_file(temporary)
                raise

    @property
    def _fs(self) -> Any:
        return self._open()[0]

    @property
    def _path(self) -> str:
        return self._open()[1]

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise UsageError(f"{self}: URLs need fsspec: pip install 'hpcmcodec[{self._extra}]'") from error
        try:
            fs, path = url_to_fs(self.text)
        except ImportError as error:
            raise UsageError(f"{self}: {_one_line(error)} (pip install 'hpcmcodec[{self._extra}]')") from error
        except ValueError as error:
            raise UsageError(f"{self}: {_one_line(error)}") from error
        return fs, path

    @property
    def _extra(self) -> str:
        return EXTRAS.get(self.protocol, "urls")

    @contextmanager
    def _translated(self, kind: type[HpcmError]) -> Iterator[None]:
        """Turns whatever a storage library raises into errors of this package; `kind`: for what will fail again."""
        try:
            yield
        except (HpcmError, MemoryError):
            raise
        except FileNotFoundError as error:
            raise kind(f"{self}: no such file or folder") from error
        except PermissionError as error:
            raise kind(f"{self}: access denied ({_one_line(error)})") from error
        except NotImplementedError as error:
            raise kind(f"{self}: {self.protocol} cannot do this") from error
        except Exception as error:  # each library has its own; few of them are OSErrors
            raise StorageError(f"{self}: {type(error).__name__}: {_one_line(error)}") from error


Place = Path | Url


def place(text: str) -> Place:
    """A path or, where there is a `://`, a URL. Raises UsageError for URLs that join several with `::`."""
    if "://" not in text:
        return Path(text)
    if "::" in text:
        raise UsageError(f"{text}: chained URLs are not supported")
    protocol, _, rest = text.partition("://")
    return Path(rest) if protocol.lower() == "file" else Url(text.rstrip("/") if rest.strip("/") else text)


def existing(urls: Iterable[Url]) -> set[Url]:
    """Those that exist. Lists a folder once where several are asked for, instead of asking for each."""
    folders: defaultdict[Url, list[Url]] = defaultdict(list)
    for url in urls:
        folders[url.parent].append(url)
    found: set[Url] = set()
    for folder, members in folders.items():
        if len(members) == 1:
            found.update(url for url in members if url.exists())
        else:
            there = set(_names(folder))
            found.update(url for url in members if url.name in there)
    return found


def _names(folder: Url) -> list[str]:
    with folder._translated(InputError):
        folder._fs.invalidate_cache()
        try:
            return [path.rstrip("/").rpartition("/")[2] for path in folder._fs.ls(folder._path, detail=False)]
        except FileNotFoundError:
            return []


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
