"""Files in remote storages, named by URLs that fsspec understands, with the methods of `Path` that a batch needs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from hpcmcodec.errors import HpcmError, InputError, OutputError, StorageError, UsageError

EXTRAS = {"s3": "hpcmcodec[s3]", "s3a": "hpcmcodec[s3]", "gs": "hpcmcodec[gs]", "gcs": "hpcmcodec[gs]"}
EXTRAS |= {"http": "fsspec[http]", "https": "fsspec[http]"}
"""Protocol -> what to install for it, besides fsspec itself."""
_NO_FOLDERS = frozenset({"http", "https"})
"""Protocols where to ask for a folder's files is to read a page, whatever its size."""
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
        if self.protocol in _NO_FOLDERS:
            return False
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

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file to read, in pieces from its beginning: a server may send without end."""
        with self._translated(InputError), self._fs.open(self._path, "rb", cache_type="readahead") as file:
            yield file

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
            needed = EXTRAS.get(self.protocol, "hpcmcodec[urls]")
            raise UsageError(f"{self}: URLs need fsspec: pip install '{needed}'") from error
        try:
            fs, path = url_to_fs(self.text)
        except ImportError as error:
            advice = f" (pip install '{EXTRAS[self.protocol]}')" if self.protocol in EXTRAS else ""
            raise UsageError(f"{self}: {_one_line(error)}{advice}") from error
        except ValueError as error:
            raise UsageError(f"{self}: {_one_line(error)}") from error
        return fs, path

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
    """A path or, where there is a `://`, a URL. Raises UsageError for URLs that join several with `::`, and for no
    text: an unset variable of a shell would else stand for the folder that one is in."""
    if not text:
        raise UsageError("a file's name is empty")
    if "://" not in text:
        return Path(text)
    if "::" in text:
        raise UsageError(f"{text}: chained URLs are not supported")
    protocol, _, rest = text.partition("://")
    return Path(rest) if protocol.lower() == "file" else Url(text.rstrip("/") if rest.strip("/") else text)


def existing(urls: Iterable[Url]) -> dict[Url, bool]:
    """Those that exist -> whether anything is in them. Lists a folder once where several are asked for, instead of
    asking for each."""
    folders: defaultdict[Url, list[Url]] = defaultdict(list)
    for url in urls:
        folders[url.parent].append(url)
    found: dict[Url, bool] = {}
    for folder, members in folders.items():
        sizes = _sizes(folder) if len(members) > 1 else _size(members[0])
        found |= {url: sizes[url.name] != 0 for url in members if url.name in sizes}
    return found


def _sizes(folder: Url) -> dict[str, int | None]:
    """Names in a folder -> bytes, None where the storage does not tell."""
    with folder._translated(InputError):
        folder._fs.invalidate_cache()
        try:
            entries = folder._fs.ls(folder._path, detail=True)
        except FileNotFoundError:
            return {}
        return {entry["name"].rstrip("/").rpartition("/")[2]: entry.get("size") for entry in entries}


def _size(url: Url) -> dict[str, int | None]:
    with url._translated(InputError):
        try:
            return {url.name: url._fs.info(url._path).get("size")}
        except FileNotFoundError:
            return {}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
