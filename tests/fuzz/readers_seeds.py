"""Seeds for fuzz_readers.cpp: usage: python -m tests.fuzz.readers_seeds FOLDER. Needs nothing that is not Python's own.

The first byte of an input chooses the reader, see LLVMFuzzerTestOneInput there."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

FILES = Path(__file__).parents[1] / "conformance"
MOST_BYTES = 6000
AS_IT_IS, MENDED, HEADER, PACKED, EXIF, JSON = 0, 1, 4, 5, 6, 7


def seeds() -> Iterator[bytes]:
    for path in sorted(FILES.rglob("*.hpc")):
        data = path.read_bytes()
        size = data[5]  # of the header, always below 128 there
        yield bytes([HEADER]) + data[6 : 6 + size]
        if len(data) <= MOST_BYTES:
            yield bytes([AS_IT_IS]) + data
            yield bytes([MENDED]) + data
    text = b"packed metadata " * 20
    for level in (0, 9):
        yield bytes([PACKED]) + len(text).to_bytes(2, "little") + zlib.compress(text, level)
    yield bytes([EXIF]) + b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01" + bytes(7)
    yield bytes([JSON]) + rb'{"a": [1, -2.5e3, "x\u00e9", null, true], "b": {}}'


def main() -> None:
    """Writes them into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main()
