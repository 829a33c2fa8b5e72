"""The header of an hpc file: a canonical msgpack map with small integer keys (FORMAT.md section 3).

Canonical means that one header has one byte string: keys ascend, numbers take their shortest form, values equal to
their default are absent. A reader packs what it understood once more and refuses a file whose bytes differ, so no odd
encoding ever reaches the rest of the program.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgpack

from hpcmcodec.errors import CorruptError, UnsupportedVersionError, UsageError
from hpcmcodec.formats.limits import MAX_SIDE, MODEL_NAME, TILE_UNIT

MAX_HEADER_BYTES = 1024
PLAIN_STREAMS = 4
"""Entropy-coded streams of a tile where the header does not say: hyper-latents and those of three scales."""
_COLOURS = {1: 1, 2: 1, 3: 3, 4: 3}  # of a pixel with so many samples
_DEEPEST, _LONGEST = 4, 255  # maps and arrays in one another, and bytes of a text, of a field that is not known
_CODE_POINTS = 65  # an optional key
_OPTIONAL_KEYS = 64  # header keys from here on may be ignored by a reader that does not know them


def _is_int(v: object) -> bool:
    return isinstance(v, int) and not isinstance(v, bool)


def _in(*allowed: int) -> Callable[[Any], bool]:
    return lambda v: _is_int(v) and v in allowed


def _between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: _is_int(v) and low <= v <= high


def _is_side(v: object) -> bool:
    return _between(0, MAX_SIDE)(v) and v % TILE_UNIT == 0  # type: ignore[operator]


def _single(value: float) -> float:
    """`value` rounded to binary32."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@dataclass(frozen=True)
class Header:
    """What a decoder must know before it reads a stream.

    width, height: of the picture in pixels, 1..2**30.   channels: of colour, 1 (grey) or 3.   bit_depth: 8..16.
    model_name, model_id: the model and the first 8 bytes of its identity; both empty where no tile is learned, then
    streams, quality and tile_size have their defaults.   streams: of a learned tile.
    quality: 1..100, an integer or a binary32 value between two, or None for a model of one rate.
    tile_size, exact_tile_size: side of an entropy tile and of an exact one in pixels, a multiple of 64, or 0 for one
    tile.   flags: 0 in version 1.   alpha: there is an alpha channel.   most_error: no sample differs by more from the
    source, 0 is lossless; None: nothing is promised.   cicp: what the colours are, as H.273 numbers them: primaries and
    transfer characteristics, both 1..255, and whether samples use their full range, 0 or 1; None: nothing is said.
    unknown: optional keys that this version does not know, kept so that a rewritten file keeps them.
    """

    width: int
    height: int
    model_name: str = ""
    model_id: bytes = b""
    channels: int = 3
    bit_depth: int = 8
    streams: int = PLAIN_STREAMS
    quality: int | float | None = None
    tile_size: int = 0
    flags: int = 0
    alpha: bool = False
    exact_tile_size: int = 0
    most_error: int | None = None
    cicp: tuple[int, int, int] | None = None
    unknown: Mapping[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        quality = self.quality
        if isinstance(quality, float) and 1 <= quality <= 100:  # one value, one encoding
            quality = _single(quality)
            object.__setattr__(self, "quality", int(quality) if quality.is_integer() else quality)
        problem = _problem(self)
        if problem:
            raise UsageError(f"header: {problem}")

    @property
    def tile_grid(self) -> tuple[int, int]:
        """(rows, columns) of entropy tiles."""
        return self._grid(self.tile_size)

    @property
    def tiles(self) -> int:
        """Number of entropy tiles; 0 without a model."""
        return math.prod(self.tile_grid) if self.learned else 0

    @property
    def exact_grid(self) -> tuple[int, int]:
        """(rows, columns) of exact tiles."""
        return self._grid(self.exact_tile_size)

    @property
    def learned(self) -> bool:
        """Whether there is a learned picture, so that decoding takes a model."""
        return bool(self.model_name)

    def _grid(self, side: int) -> tuple[int, int]:
        return (math.ceil(self.height / side), math.ceil(self.width / side)) if side else (1, 1)


def _problem(h: Header) -> str | None:
    """The first rule that a header's values break, or None."""
    quality = h.quality
    rules = (
        (_between(1, MAX_SIDE)(h.width) and _between(1, MAX_SIDE)(h.height), f"size {h.width} x {h.height}"),
        (_in(1, 3)(h.channels), f"{h.channels} colour channels"),
        (_between(8, 16)(h.bit_depth), f"bit depth {h.bit_depth}"),
        (isinstance(h.model_name, str) and MODEL_NAME.fullmatch(h.model_name or "none"), f"name {h.model_name!r}"),
        (isinstance(h.model_id, bytes) and len(h.model_id) == (8 if h.model_name else 0), "model id is not 8 bytes"),
        (h.model_name or (h.quality, h.streams, h.tile_size) == (None, PLAIN_STREAMS, 0), "a model that has no name"),
        (_between(2, 8)(h.streams), f"{h.streams!r} streams"),
        (quality is None or (type(quality) in (int, float) and 1 <= quality <= 100), f"quality {quality!r}"),
        (_in(0)(h.flags), f"flags {h.flags!r}"),
        (_is_side(h.tile_size), f"tile size {h.tile_size!r}"),
        (_is_side(h.exact_tile_size), f"exact tile size {h.exact_tile_size!r}"),
        (isinstance(h.alpha, bool), f"alpha {h.alpha!r}"),
        (h.most_error is None or _between(0, 255)(h.most_error), f"greatest error {h.most_error!r}"),
        (h.cicp is None or _are_code_points(h.cicp), f"code points {h.cicp!r}"),
        (all(_between(_OPTIONAL_KEYS, 127)(k) and k != _CODE_POINTS for k in h.unknown), "unknown keys out of range"),
        (all(_plain(value) for value in h.unknown.values()), "an unknown field of a kind that headers cannot hold"),
    )
    for good, text in rules:
        if not good:
            return text
    return None


def _are_code_points(v: object) -> bool:
    return isinstance(v, tuple) and len(v) == 3 and all(map(_between(1, 255), v[:2])) and _in(0, 1)(v[2])


def _plain(value: object, depth: int = 0) -> bool:
    """Whether a value of an unknown field is one that headers may hold (FORMAT.md section 3)."""
    if depth > _DEEPEST:
        return False
    if type(value) in (tuple, list):  # an extension type is a tuple of another class
        return all(_plain(one, depth + 1) for one in value)  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        keys = list(value)
        ascending = all(_between(0, 2**64 - 1)(key) for key in keys) and keys == sorted(keys)
        return ascending and all(_plain(one, depth + 1) for one in value.values())
    if type(value) in (str, bytes):
        return len(value.encode() if isinstance(value, str) else value) <= _LONGEST  # type: ignore[arg-type]
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) is bool or _between(-32, 2**64 - 1)(value)


def pack(header: Header) -> bytes:
    """The canonical msgpack bytes of a header. Raises UsageError if they exceed `MAX_HEADER_BYTES`."""
    optional: tuple[tuple[int, Any, Any], ...] = (  # key, value, the default that is left out
        (2, header.model_id, b""),
        (3, header.model_name, ""),
        (4, header.quality, None),
        (5, header.channels + header.alpha, 3),
        (6, header.bit_depth, 8),
        (7, header.streams, PLAIN_STREAMS),
        (8, header.exact_tile_size // TILE_UNIT, 0),
        (9, header.tile_size // TILE_UNIT, 0),
        (10, header.flags, 0),
        (11, header.most_error, None),
    )
    fields: dict[int, Any] = {0: header.width, 1: header.height}
    fields.update((key, value) for key, value, default in optional if value != default)
    optional_fields = dict(header.unknown)
    if header.cicp is not None:
        optional_fields[_CODE_POINTS] = bytes(header.cicp)
    fields.update(sorted(optional_fields.items()))
    packed: bytes = msgpack.packb(fields, use_single_float=True)
    if len(packed) > MAX_HEADER_BYTES:
        raise UsageError(f"header of {len(packed)} bytes is larger than {MAX_HEADER_BYTES}")
    return packed


def unpack(data: bytes) -> Header:
    """The header in `data` (its checksum has been compared already). Raises CorruptError, UnsupportedVersionError."""
    fields = _unpack_map(data)
    unknown = {k: v for k, v in fields.items() if k > 11 and k != _CODE_POINTS}
    for key in unknown:
        if key < _OPTIONAL_KEYS:
            raise UnsupportedVersionError(f"the header has a field ({key}) of a newer format; update hpcmcodec")
    _check_supported(fields)
    samples = fields.get(5, 3)
    try:
        header = Header(
            width=fields[0],
            height=fields[1],
            model_id=fields.get(2, b""),
            model_name=fields.get(3, ""),
            quality=fields.get(4),
            channels=_COLOURS[samples],
            alpha=samples % 2 == 0,
            bit_depth=fields.get(6, 8),
            streams=fields.get(7, PLAIN_STREAMS),
            tile_size=fields.get(9, 0) * TILE_UNIT,
            flags=fields.get(10, 0),
            exact_tile_size=fields.get(8, 0) * TILE_UNIT,
            most_error=fields.get(11),
            cicp=_code_points(fields.get(_CODE_POINTS)),
            unknown=unknown,
        )
        again = pack(header)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, UsageError) as error:
        _corrupt(str(error))
    if again != data:
        _corrupt("its encoding is not the canonical one")
    return header


def _code_points(value: object) -> tuple[int, int, int] | None:
    if value is None:
        return None
    if not isinstance(value, bytes) or len(value) != 3:
        _corrupt("code points are not three bytes")
    return value[0], value[1], value[2]


def _unpack_map(data: bytes) -> dict[int, Any]:
    """msgpack -> dict with integer keys 0..127; every size is capped."""
    if len(data) > MAX_HEADER_BYTES:
        _corrupt(f"{len(data)} bytes")
    try:
        fields = msgpack.unpackb(
            data, use_list=False, strict_map_key=False, max_map_len=64, max_array_len=64, max_ext_len=0
        )
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        _corrupt(f"not msgpack ({error})")
    if not isinstance(fields, dict) or not all(_between(0, 127)(k) for k in fields):
        _corrupt("not a map with keys 0..127")
    return fields


def _check_supported(fields: Mapping[int, Any]) -> None:
    """Refuses well-formed values that only a newer version can mean."""
    flags = fields.get(10)
    if _between(1, 2**64)(flags):
        raise UnsupportedVersionError(f"flags {flags} is of a newer format; update hpcmcodec")


def _corrupt(what: str) -> NoReturn:
    raise CorruptError(f"the header is damaged: {what}")
