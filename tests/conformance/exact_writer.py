"""Writes exact tiles by any plan: the second decoder (tests/formats/reference_exact.py), led to the wanted samples.

The product's encoder chooses how a tile is coded; here the caller does, so that files show what no encoder chooses.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import reference_exact
from reference_exact import ORDER, Plan, clamp, top

Rows = list[list[list[int]]]


class Pen(reference_exact.Bits):
    """A stream that is written: what a reader would find next is asked of a queue."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.low, self.refills, self.back, self.answers = 0, 0, "", deque[int]()

    def expect(self, *answers: int) -> None:
        self.answers.extend(answers)

    def expect_number(self, v: int) -> None:
        n = top(v + 1)
        self.expect(*[1] * n, *[0] * (n < 17), *[v + 1 - (1 << n)] * (n > 0))

    def decision(self, p: int) -> int:
        bit, bound = self.answers.popleft(), (self.range >> 16) * p
        self._narrow(0 if bit else bound, bound if bit else self.range - bound)
        return bit

    def symbol(self, below: list[int]) -> int:
        s, n = self.answers.popleft(), 63 - top(self.range)
        bounds = [(((self.range << n) >> 48) * m >> 16) << (48 - n) for m in below] + [self.range]
        self._narrow(bounds[s], bounds[s + 1] - bounds[s])
        return s

    def raw(self, count: int) -> int:
        value = self.answers.popleft() if count else 0
        self.back += f"{value:0{count}b}" if count else ""
        return value

    def _narrow(self, start: int, size: int) -> None:
        self.low, self.range = self.low + start, size
        if self.range < 1 << 32:
            self.low, self.range, self.refills = self.low << 32, self.range << 32, self.refills + 1

    def bytes_(self) -> bytes:
        """The fewest bytes that read alike whatever follows them, then the raw bits, from the back."""
        assert not self.answers, "a reader would not have asked for all of it"
        whole, count, value = 8 + 4 * self.refills, 0, 0
        while (self.low, self.range, self.refills) != (0, reference_exact.M64, 0):
            after = (1 << 8 * (whole - count)) - 1
            value = (self.low + after) & ~after
            if value + after < self.low + self.range:
                break
            count += 1
        back = self.back.ljust(-(-len(self.back) // 8) * 8, "0")
        raw = int(back or "0", 2).to_bytes(len(back) // 8, "big")
        return value.to_bytes(whole, "big")[:count] + raw[::-1]


@dataclass
class Choices:
    """How a tile is coded. kinds: of each channel in coding order, "all", "range", "list" or the earlier channel that
    it is like; apart: each coded channel has a stream of its own; far: what is the least or the greatest value is
    reached by residuals beyond all bounds, which readers cut off."""

    near: int = 0
    copies: bool = False
    palette: bool = False
    bases: int = 0
    kinds: Sequence[str | int] = ()
    apart: bool = False
    far: bool = False


def encode(samples: np.ndarray, depth: int, choices: Choices, shown: np.ndarray | None = None) -> bytes:
    """The payload of samples (H, W, C) with some choices; shown: the reference."""
    height, width, channels = samples.shape
    order = list(ORDER[channels])
    stored: Rows = samples[:, :, order].tolist()
    plan = _plan(stored, depth, choices)
    pens = [Pen() for _ in range(len(plan.coded) if choices.apart else 1)]
    _expect_plan(pens[0], plan, depth)
    read = reference_exact.read_plan(pens[0], channels, depth, shown is not None)
    assert read == plan
    below = None if shown is None else shown[:, :, order].tolist()
    if plan.coded:
        led = Led(pens, plan, width, height, below, _wanted(plan, stored))
        led.may_be_far = choices.far
        led.run()
    streams = [pen.bytes_() for pen in pens]
    lengths = b"".join(leb128(len(stream)) for stream in streams[:-1])
    return bytes([1 | (len(streams) - 1) << 4]) + lengths + b"".join(streams)


def decode(payload: bytes, like: np.ndarray, depth: int, shown: np.ndarray | None = None) -> np.ndarray:
    """What a payload's samples are, in the shape and type of others."""
    height, width, channels = like.shape
    below = None if shown is None else shown.tolist()
    return np.array(reference_exact.decode(payload, width, height, channels, depth, below), like.dtype)


def plain(samples: np.ndarray, depth: int) -> bytes:
    """Method 0."""
    pen = Pen()
    values = samples[:, :, list(ORDER[samples.shape[2]])].ravel().tolist()
    pen.expect(*values)
    for _ in values:
        pen.raw(depth)
    return b"\0" + pen.bytes_()


def plan_alone(answers: Iterable[tuple[str, int, int]]) -> bytes:
    """A tile of a plan that may break rules: ("raw", value, bits), ("number", value, kind), ("bit", value, kind)."""
    pen, kinds = Pen(), [reference_exact.Slots() for _ in range(8)]
    for what, value, kind in answers:
        if what == "number":
            pen.expect_number(value)
            reference_exact.number(pen, kinds[kind])
        elif what == "raw":
            pen.expect(value)
            pen.raw(kind)
        else:
            pen.expect(value)
            kinds[kind]["bit"].bit(pen)
    return b"\1" + pen.bytes_()


def leb128(value: int) -> bytes:
    """An integer as files have it (FORMAT.md)."""
    out = []
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _plan(stored: Rows, depth: int, choices: Choices) -> Plan:
    plan = Plan(choices.near, choices.copies)
    pixels = [tuple(pixel) for row in stored for pixel in row]
    if choices.palette:
        plan.palette = sorted(set(pixels))
        plan.coded = [(0, len(plan.palette) - 1)] if len(plan.palette) > 1 else []
        return plan
    for k, kind in enumerate(choices.kinds or ["all"] * len(pixels[0])):
        values = sorted({pixel[k] for pixel in pixels})
        made: dict[Any, tuple[int, Any, int]] = {
            "all": (0, None, (1 << depth) - 1),
            "range": (1, values[0], values[-1] - values[0]),
            "list": (2, values, len(values) - 1),
        }
        how, what, last = made.get(kind, (3, kind, 0))
        plan.stored.append((how, what))
        if last:
            plan.coded.append((k, last))
    plan.bases = choices.bases if len(plan.coded) > 2 else 0
    return plan


def _expect_plan(pen: Pen, plan: Plan, depth: int) -> None:
    pen.expect_number(plan.near)
    pen.expect(plan.palette is not None, plan.copies)
    if plan.palette is not None:
        _expect_palette(pen, plan.palette, (1 << depth) - 1)
        return
    last = dict(plan.coded)
    for k, (how, what) in enumerate(plan.stored):
        pen.expect(how)
        if how == 1:
            pen.expect(what)
            pen.expect_number(last.get(k, 0))
        elif how == 2:
            _expect_list(pen, what)
        elif how == 3:
            pen.expect(what)
    if len(plan.coded) > 2:
        pen.expect(plan.bases)


def _expect_palette(pen: Pen, colours: list[tuple[int, ...]], last: int) -> None:
    pen.expect_number(len(colours))
    for before, colour in zip([(0,) * len(colours[0]), *colours], colours, strict=False):
        for k, (old, new) in enumerate(zip(before, colour, strict=True)):
            step = (new - old) & last
            pen.expect_number(step if k == 0 else 2 * step if step <= last // 2 else 2 * (last - step) + 1)


def _expect_list(pen: Pen, values: list[int]) -> None:
    pen.expect_number(len(values))
    last = 0
    for before, value in zip([-1, *values], values, strict=False):
        gap = value - before - 1
        pen.expect(gap == last)
        if gap != last:
            pen.expect_number(gap)
        last = gap


def _wanted(plan: Plan, stored: Rows) -> Rows:
    """Coded samples."""
    if plan.palette is not None:
        index = {colour: i for i, colour in enumerate(plan.palette)}
        return [[[index[tuple(pixel)]] for pixel in row] for row in stored]

    def coded(k: int, v: int) -> int:
        how, what = plan.stored[k]
        return v if how == 0 else v - what if how == 1 else int(what.index(v))

    return [[[coded(k, pixel[k]) for k, _ in plan.coded] for pixel in row] for row in stored]


class Led(reference_exact.Tile):
    """Finds the samples that are wanted."""

    def __init__(self, pens: list[Pen], plan: Plan, width: int, height: int, shown: Rows | None, wanted: Rows) -> None:
        super().__init__(list(pens), plan, width, height, shown)
        self.wanted, self.goals, self.pen, self.e = wanted, iter([0]), pens[0], 0
        self.may_be_far = self.far = False
        if plan.copies:
            self.copies = LedCopies(pens[0], width, height, wanted)

    def literal(self, y: int, x: int) -> None:
        self.goals = iter(self.wanted[y][x])
        super().literal(y, x)

    def sample(self, bits: Any, c: Any, x: int, order: int, offset: int, known: Any, activity: Any) -> int:
        f = clamp(c.p + 16 * offset, 0, 16 * c.last)
        start = (f + 8) >> 4
        goal = next(self.goals)
        self.far = self.may_be_far and goal != start and goal in (0, c.last)
        away = (goal - start) * (-1 if f - 16 * start >= 0 else 1)
        near = self.plan.near
        size = (abs(away) + near) // (2 * near + 1)
        self.pen, self.e = bits, size if away >= 0 else -size
        return super().sample(bits, c, x, order, offset, known, activity)

    def level(self, c: Any, x: int, order: int, r1: int, r2: int) -> int:
        level = super().level(c, x, order, r1, r2)
        shift = max(level - 1, 0)
        y = (1 << 18) << shift if self.far else self.e if self.e >= 0 else -self.e - 1
        t = min(y >> shift, 7)
        self.pen.expect(8 + t if self.e >= 0 else 7 - t)
        if t == 7:
            self.pen.expect_number((y >> shift) - 7)
        if shift:
            self.pen.expect(y & ((1 << shift) - 1))
        return level


class LedCopies(reference_exact.Copies):
    """Finds the pixels that are wanted."""

    def __init__(self, pen: Pen, width: int, height: int, wanted: Rows) -> None:
        super().__init__(pen, width, height)
        self.pen, self.here = pen, (0, 0)
        self.goals = [[sum(s << (16 * k) for k, s in enumerate(pixel)) for pixel in row] for row in wanted]

    def run(self, y: int, x: int) -> list[int]:
        j, at = self.j, x
        while at < self.width:
            length = min(1 << j, self.width - at)
            same = next((i for i in range(length) if self.goals[y][at + i] != self._source(y, x, at + i)), length)
            self.pen.expect(same == length)
            if same < length:
                self._expect_place(same, length)
                break
            at, j = at + length, min(j + 1, 12)
        return super().run(y, x)

    def _source(self, y: int, x: int, at: int) -> int:
        found: int = self.pixels(1, at) if y else self.pixels(0, x - 1)
        return found

    def _expect_place(self, place: int, length: int) -> None:
        while length > 1:
            h = length // 2
            self.pen.expect(place >= h)
            place, length = (place - h, length - h) if place >= h else (place, h)

    def find(self, y: int, x: int) -> int | None:
        self.look(x)
        self.here = y, x
        candidates = [self.entries[i].pixel for i in (2, 1, 0) if self.known[i]] + list(self.near)
        for candidate in [c for c in dict.fromkeys(candidates) if c != self.barred][:4]:
            self.pen.expect(candidate == self.goals[y][x])
            if candidate == self.goals[y][x]:
                break
        return super().find(y, x)

    def complete(self, x: int, first: int) -> int | None:
        y, x = self.here
        tried = dict.fromkeys(pixel for pixel, age in self.places(x, first) if age and pixel & 0xFFFF == first)
        for pixel in tried:
            self.pen.expect(pixel == self.goals[y][x])
            if pixel == self.goals[y][x]:
                break
        return super().complete(x, first)
