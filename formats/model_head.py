"""The head of a model file: what it says of itself, without its weights. Needs no numpy.

See `model_file` for the whole.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from hpcmcodec.errors import ModelFileError
from hpcmcodec.formats.limits import MODEL_NAME
from hpcmcodec.formats.model_rules import (
    ABOUT,
    IDENTITY,
    MANIFEST,
    PREFIX,
    WIDTHS,
    entries_problem,
    is_companion,
    loads,
)

_MAX_HEADER = 1 << 23
_ENTRY = {"dtype", "shape", "data_offsets"}

SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says where it has too little of something, whatever file it is about."""


@dataclass(frozen=True)
class Summary:
    """What the head of a model file tells: nothing but the head was read. `base`: the identity of the model that an
    adapter builds on. `parameters`, `size`: of this file alone."""

    path: Path
    name: str
    identity: bytes
    config: dict[str, Any]
    program: dict[str, Any]
    distribution: dict[str, Any]
    provenance: dict[str, Any]
    measured: dict[str, Any]
    parameters: int
    size: int
    base: bytes | None

    @property
    def id(self) -> bytes:
        """First 8 bytes of the identity, as they stand in hpc files."""
        return self.identity[:8]

    @property
    def family(self) -> str:
        """The config's family of networks."""
        return str(self.config["family"])


def peek(path: str | Path) -> Summary:
    """The head of a model file; weights and tables are not looked at. Raises ModelFileError."""
    return Head(Path(path)).summary


class Head:
    """A file's head, checked: `entries`, the type, shape and hash of every tensor; `places`, where they begin in the
    file; `size` of the file in bytes; `summary`. Raises ModelFileError, OSError where the system lacks something."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                head, start = _read_head(file)
                self.size = os.fstat(file.fileno()).st_size
            metadata = head.pop("__metadata__", None) or {}
            _check_spans(head, self.size - start)
            self.places = {name: start + entry["data_offsets"][0] for name, entry in head.items()}
            present = {name: [entry["dtype"], entry["shape"]] for name, entry in head.items()}
            manifest = metadata.get(MANIFEST)
            about = metadata.get(ABOUT, "{}")
            if not isinstance(about, str) or not isinstance(manifest, str | None):
                raise ValueError("its metadata are not texts")
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, OSError) and error.errno in SCARCE:  # the file may be fine
                raise
            raise ModelFileError(f"{path} is not a readable model file ({error})") from error
        if manifest is None:
            raise ModelFileError(f"{path} is a safetensors file but not a model of hpcmcodec")
        self.summary = self._summary(manifest, self._json(manifest), self._json(about), present)

    def size_of(self, name: str) -> int:
        """Elements of a tensor."""
        return math.prod(self.entries[name][1])

    def weight_names(self) -> list[str]:
        """Names of the parameters: neither entropy tables nor the factors of int8 tensors."""
        return [k for k in self.entries if not k.startswith(PREFIX) and not is_companion(self.entries, k)]

    def _summary(self, text: str, manifest: dict[str, Any], about: dict[str, Any], present: dict[str, Any]) -> Summary:
        self.entries = self._section(manifest, "tensors")
        problem = entries_problem(self.entries)
        if problem is None and {k: v[:2] for k, v in self.entries.items()} != present:
            problem = "the tensors are not those that the manifest lists"
        config, name = self._section(manifest, "config"), about.get("name")
        if problem is None and not isinstance(config.get("family"), str):
            problem = "the config has no family"
        program = self._section(manifest, "program")
        if problem is None and not isinstance(program.get("entries"), dict):
            problem = "it has no program"
        base = manifest.get("base")
        if problem is None and not (base is None or (isinstance(base, str) and IDENTITY.fullmatch(base))):
            problem = "what it builds on is no identity"
        if problem is None and not (isinstance(name, str) and MODEL_NAME.fullmatch(name)):
            problem = "it has no proper name"
        if problem:
            raise ModelFileError(f"{self.path}: {problem}")
        return Summary(
            path=self.path,
            name=str(name),
            identity=hashlib.sha256(text.encode()).digest(),
            config=config,
            program=program,
            distribution=self._section(manifest, "distribution"),
            provenance=self._section(about, "provenance"),
            measured=self._section(about, "measured"),
            parameters=sum(self.size_of(k) for k in self.weight_names()),
            size=self.size,
            base=None if base is None else bytes.fromhex(base),
        )

    def _json(self, text: str) -> dict[str, Any]:
        try:
            return loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{self.path}: its description is damaged ({error})") from None

    def _section(self, values: dict[str, Any], key: str) -> dict[str, Any]:
        section = values.get(key, {})
        if not isinstance(section, dict):
            raise ModelFileError(f"{self.path}: {key} is not a JSON object")
        return section


def _check_spans(head: dict[str, Any], size: int) -> None:
    """Raises ValueError unless the tensors fill `size` bytes without holes or overlaps."""
    end = 0
    for entry in sorted(head.values(), key=lambda entry: entry["data_offsets"]):
        first, last = entry["data_offsets"]
        if not all(type(n) is int and n >= 0 for n in (first, last, *entry["shape"])) or first != end:
            raise ValueError("its tensors overlap or leave holes")
        if last - first != math.prod(entry["shape"]) * WIDTHS.get(entry["dtype"], -1):
            raise ValueError("a tensor has another size than its type and shape say")
        end = last
    if end != size:
        raise ValueError("its tensors do not fill it")


def _read_head(file: BinaryIO) -> tuple[dict[str, Any], int]:
    """-> the JSON head of a safetensors file, and where its data begins. Raises ValueError."""
    start = file.read(8)
    if len(start) < 8 or struct.unpack("<Q", start)[0] > _MAX_HEADER:
        raise ValueError("its head is too short or too long")
    (length,) = struct.unpack("<Q", start)
    head = loads(file.read(length).decode())
    for name, entry in head.items():
        if name != "__metadata__" and not (isinstance(entry, dict) and entry.keys() >= _ENTRY):
            raise ValueError(f"its head says nothing useful of {name}")
    return head, 8 + length
