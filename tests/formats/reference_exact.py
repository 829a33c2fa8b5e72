"""A decoder of exact tiles written from EXACT.md alone, slow and plain, without a line of the product's code."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Row = dict[int, int]
M32, M64 = (1 << 32) - 1, (1 << 64) - 1
BASES = ((0, 0, 0), (8, 4, 4), (8, 0, 8), (4, 2, 2))
ORDER = {1: (0,), 2: (0, 1), 3: (1, 0, 2), 4: (1, 0, 2, 3)}


DAMAGED, UNSUPPORTED = 12, 13


class Refused(Exception):
    """A file that is not decoded. kind: section 12 of FORMAT.md, by the numbers that `hpcm` exits with."""

    def __init__(self, kind: int, what: str) -> None:
        super().__init__(what)
        self.kind = kind


def require(good: object, what: str, kind: int = DAMAGED) -> None:
    if not good:
        raise Refused(kind, what)


def clamp(v: int, low: int, high: int) -> int:
    return min(max(v, low), high)


def top(v: int) -> int:
    return v.bit_length() - 1


# ------------------------------------------------------------------------------------------------ 1: streams
class Bits:
    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.taken, self.range = data, 8, 0, M64
        self.value = int.from_bytes(data[:8].ljust(8, b"\0"), "big")

    def decision(self, p: int) -> int:
        bound = (self.range >> 16) * p
        bit = int(self.value < bound)
        if bit:
            self.range = bound
        else:
            self.value -= bound
            self.range -= bound
        self.refill()
        return bit

    def symbol(self, below: list[int]) -> int:
        n = 63 - top(self.range)
        scale, limit = (self.range << n) >> 48, (self.value << n) >> 48
        bounds = [scale * m >> 16 for m in below]
        s = max(j for j in range(16) if bounds[j] <= limit)
        unit = 1 << (48 - n)
        self.value -= unit * bounds[s]
        self.range = (self.range if s == 15 else unit * bounds[s + 1]) - unit * bounds[s]
        self.refill()
        return s

    def refill(self) -> None:
        if self.range < 1 << 32:
            self.range <<= 32
            self.value = self.value << 32 | int.from_bytes(self.data[self.at : self.at + 4].ljust(4, b"\0"), "big")
            self.at += 4

    def raw(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte, bit = divmod(self.taken, 8)
            value = 2 * value + (self.data[-1 - byte] >> (7 - bit) & 1 if byte < len(self.data) else 0)
            self.taken += 1
        return value

    def finish(self) -> None:
        back = -(-self.taken // 8)
        require(back <= len(self.data) and self.at - 8 <= len(self.data) - back <= self.at, "end of a stream")


def leb128(data: bytes, at: int, ends: int = DAMAGED) -> tuple[int, int]:
    """-> number, what follows it; ends: what is wrong where the bytes end."""
    value = shift = 0
    while True:
        require(at < len(data), "the end of a number", ends)
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            break
        require(shift < 35, "a long number")
    require(value < 1 << 32 and (data[at - 1] or shift == 7), "spelling of a number")
    return value, at


def streams(payload: bytes) -> tuple[int, list[Bits]]:
    """Method and streams."""
    require(payload, "no method")
    method, more, at, lengths = payload[0] & 15, payload[0] >> 4, 1, []
    require(method <= 1 and more <= 3, "method", UNSUPPORTED)
    for _ in range(more):
        length, at = leb128(payload, at)
        lengths.append(length)
    found = []
    for length in lengths:
        require(at + length <= len(payload), "length of a stream")
        found.append(Bits(payload[at : at + length]))
        at += length
    return method, [*found, Bits(payload[at:])]


# ------------------------------------------------------------------------------------------------ 2, 3: models
def _squash() -> dict[int, int]:
    c, e, table = 4278222805, 1 << 60, {}
    for i in range(2816):
        table[i] = (1 << 62) // (((1 << 60) + e) >> 14)
        table[-i] = 65536 - table[i]
        e = (e >> 32) * c + (((e & M32) * c) >> 32)
    return table


def _stretch() -> list[int]:
    table, x = [], -2047
    for j in range(4096):
        while x < 2047 and SQUASH[x] < 16 * j + 8:
            x += 1
        table.append(x)
    return table


SQUASH = _squash()
STRETCH = _stretch()


@dataclass
class Slot:
    state: int = 1 << 31

    def odds(self) -> int:
        return STRETCH[self.state >> 20]

    def learn(self, bit: int) -> None:
        p, c = self.state >> 10, self.state & 1023
        step = ((((1 << 22) * bit - p) >> 3) * (16384 // (2 * c + 3))) & M32 & ~1023
        self.state = (self.state + step + (c < 255)) & M32

    def bit(self, bits: Bits) -> int:
        found = bits.decision(clamp(self.state >> 16, 32, 65504))
        self.learn(found)
        return found


class Weights:
    def __init__(self, count: int, first: int) -> None:
        self.full = [65536 * first] * count

    def dot(self, x: list[int]) -> int:
        return sum(((f >> 16) - ((f >> 31) << 16)) * v for f, v in zip(self.full, x, strict=True))

    def learn(self, x: list[int], s: int, k: int) -> None:
        self.full = [(f + v * s * (1 << k)) & M32 for f, v in zip(self.full, x, strict=True)]


def mixed_bit(bits: Bits, odds: list[int], weights: Weights) -> int:
    inputs = [*odds, *[0] * (7 - len(odds)), 256]
    q = SQUASH[clamp(weights.dot(inputs) >> 13, -2815, 2815)]
    bit = bits.decision(clamp(q, 16, 65520))
    weights.learn(inputs, (65535 * bit - q) >> 2, 0)
    return bit


class Place:
    def __init__(self) -> None:
        self.c, self.count = [2048 * j for j in range(16)], 0

    def learn(self, s: int) -> None:
        a = 2 + sum(self.count >= limit for limit in (3, 8, 20, 60, 150))
        for j in range(1, 16):
            self.c[j] += ((4 * j if j <= s else 32768 - 4 * (16 - j)) - self.c[j]) >> a
        self.count = min(self.count + 1, 255)


class Slots(defaultdict[Any, Slot]):
    def __init__(self) -> None:
        super().__init__(Slot)


def number(bits: Bits, kind: Slots) -> int:
    n = 0
    while n < 17 and kind[n].bit(bits):
        n += 1
    return (1 << n) + bits.raw(n) - 1


# ------------------------------------------------------------------------------------------------ 4: plan
@dataclass
class Plan:
    near: int = 0
    copies: bool = False
    bases: int = 0
    palette: list[tuple[int, ...]] | None = None
    stored: list[tuple[int, Any]] = field(default_factory=list)
    coded: list[tuple[int, int]] = field(default_factory=list)  # channel, last


def read_plan(bits: Bits, channels: int, depth: int, reference: bool) -> Plan:
    plan, kind = Plan(), Slots()
    plan.near = number(bits, kind)
    palette, plan.copies = bits.raw(1), bool(bits.raw(1))
    require(plan.near <= 255 and not (palette and (reference or plan.near)), "tools that do not go together")
    if palette:
        plan.palette = read_palette(bits, channels, depth)
        if len(plan.palette) > 1:
            plan.coded = [(0, len(plan.palette) - 1)]
        return plan
    for k in range(channels):
        how, what, last = read_channel(bits, k, depth, kind)
        require((how == 0 or not reference) and not (how == 2 and plan.near), "kind of a channel")
        plan.stored.append((how, what))
        if how != 3 and last:
            plan.coded.append((k, last))
    if len(plan.coded) >= 3:
        plan.bases = bits.raw(2)
    return plan


def read_channel(bits: Bits, k: int, depth: int, kind: Slots) -> tuple[int, Any, int]:
    """-> kind, what describes it, highest coded value."""
    how = bits.raw(2)
    if how == 0:
        return how, None, (1 << depth) - 1
    if how == 1:
        low = bits.raw(depth)
        width = number(bits, kind)
        require(low + width < 1 << depth, "range")
        return how, low, width
    if how == 2:
        count, values, gap, before = number(bits, kind), [], 0, -1
        require(2 <= count <= (1 << depth) - 1, "number of values")
        gaps, again = Slots(), Slot()
        for _ in range(count):
            if not again.bit(bits):
                gap = number(bits, gaps)
            before += 1 + gap
            require(before < 1 << depth, "value")
            values.append(before)
        return how, values, count - 1
    source = bits.raw(2)
    require(source < k, "channel that is the same")
    return how, source, 0


def read_palette(bits: Bits, channels: int, depth: int) -> list[tuple[int, ...]]:
    count, kinds, last = number(bits, Slots()), [Slots() for _ in range(channels)], (1 << depth) - 1
    require(1 <= count <= 1024, "number of colours")
    colours: list[tuple[int, ...]] = []
    before = (0,) * channels
    for _ in range(count):
        colour = []
        for k in range(channels):
            n = number(bits, kinds[k])
            require(n <= last, "step of a colour")
            step = n if k == 0 else last - n // 2 if n % 2 else n // 2
            colour.append((before[k] + step) & last)
        require(not colours or tuple(colour) > before, "order of colours")
        before = tuple(colour)
        colours.append(before)
    return colours


# ------------------------------------------------------------------------------------------------ 5: rows
class Rows:
    """This row and the two above, 0 outside what is set."""

    def __init__(self, width: int, zero: Any = 0) -> None:
        self.width, self.zero = width, zero
        self.rows: list[dict[int, Any]] = [defaultdict(lambda: zero) for _ in range(3)]

    def begin(self, first: bool) -> None:
        if not first:
            self.rows = [defaultdict(lambda: self.zero), *self.rows[:2]]
        for i in range(1, 6):
            self.rows[0][-i] = self.rows[1][0]
            self.rows[1][self.width - 1 + i] = self.rows[1][self.width - 1]

    def __call__(self, up: int, x: int) -> Any:
        return self.rows[up][x]


def class_of(r: int) -> int:
    size = sum(abs(r) >= limit for limit in (5, 48, 128, 320))
    return -size if r < 0 else size


class Channel:
    def __init__(self, width: int, last: int) -> None:
        self.last, self.depth = last, top(last) + 1
        self.z = max(0, self.depth - 13)
        self.v, self.s, self.size = (Rows(width) for _ in range(3))
        self.weights = [-4096, 6144, 0, 0, 0, 0, 0, 6144] + [0] * 16
        self.places: dict[tuple[int, int, int], Place] = defaultdict(Place)
        self.rest: dict[int, Slots] = defaultdict(Slots)
        self.sample = self.r = 0

    def begin(self, first: bool) -> None:
        for rows in (self.v, self.s, self.size):
            rows.begin(first)

    def put(self, x: int, value: int, s: int, size: int) -> None:
        self.sample = s
        self.v.rows[0][x], self.s.rows[0][x] = (clamp(n >> self.z, -8191, 8191) for n in (value, s))
        self.size.rows[0][x] = size

    def slopes(self, x: int) -> list[int]:
        near = [self.s(1, x + d) for d in (-1, 0, 1, 2)] + [self.s(0, x + d) for d in (-4, -3, -2, -1)]
        return [clamp(self.s(0, x) - n, -2047, 2047) for n in near]

    # -------------------------------------------------------------------------------------------- 6: prediction
    def predict(self, x: int, others: list[list[int]]) -> None:
        v = self.v
        m = (v(0, x - 1) + v(1, x)) >> 1
        near = [v(1, x + d) for d in range(-1, 3)] + [v(0, x + d) for d in range(-4, 0)]
        if not others:
            near += [v(2, x + d) for d in range(-1, 3)] + [v(1, x + d) for d in range(-5, -1)]
        self.taps = sum(others, [clamp(t - m, -2047, 2047) for t in near])
        dot = sum(w * t for w, t in zip(self.weights, self.taps, strict=False))
        self.p = (16 * m + clamp(dot >> 9, -32752, 32752)) << self.z

    def settle(self, x: int, value: int, s: int) -> None:
        self.r = clamp((16 * value - self.p) >> self.z, -32767, 32767)
        self.put(x, value, s, abs(self.r))
        power = 256 + sum(t * t for t in self.taps)
        h = top(power) - 7
        step = clamp(clamp(self.r, -4095, 4095) * (32768 // (power >> h)) * 64 >> (h + 3), -32767, 32767)
        for i, t in enumerate(self.taps):
            self.weights[i] = clamp(self.weights[i] + (((16 * t * step >> 16) + 1) >> 1), -32768, 32767)


# ------------------------------------------------------------------------------------------------ 5, 7, 8: pixels
class Tile:
    def __init__(
        self, bits: list[Bits], plan: Plan, width: int, height: int, shown: list[list[list[int]]] | None
    ) -> None:
        self.plan, self.width, self.height, self.shown = plan, width, height, shown
        self.n = len(plan.coded)
        self.bits = bits if len(bits) > 1 else bits * self.n
        self.channels = [Channel(width, last) for _, last in plan.coded]
        self.out = [[[0] * self.n for _ in range(width)] for _ in range(height)]
        self.copies = Copies(bits[0], width, height) if plan.copies else None

    def run(self) -> list[list[list[int]]]:
        for y in range(self.height):
            for c in self.channels:
                c.begin(y == 0)
            if self.copies is None:
                for x in range(self.width):
                    self.literal(y, x)
            else:
                self.row_with_copies(y, self.copies)
        return self.out

    def alone(self, k: int) -> bool:
        return k in (0, 3) or self.n == 2

    def base(self, k: int) -> int:
        if self.alone(k):
            return 0
        a, b, c = BASES[self.plan.bases]
        first = self.channels[0].sample
        return a * first >> 3 if k == 1 else (b * self.channels[1].sample + c * first) >> 3

    def reference(self, y: int, x: int, k: int) -> int:
        return 0 if self.shown is None else self.shown[y][x][k]

    def activity(self, y: int, x: int, k: int) -> int:
        across = self.reference(y, max(x - 1, 0), k) - self.reference(y, min(x + 1, self.width - 1), k)
        down = self.reference(max(y - 1, 0), x, k) - self.reference(min(y + 1, self.height - 1), x, k)
        return clamp(top(((abs(across) + abs(down)) >> max(0, self.channels[k].depth - 10)) + 1), 0, 8)

    def take(self, y: int, x: int, k: int, sample: int) -> None:
        """A copied sample."""
        s = sample - self.reference(y, x, k)
        self.channels[k].put(x, s - self.base(k), s, 0)
        self.out[y][x][k] = sample

    def literal(self, y: int, x: int) -> None:
        residuals = [0, 0]
        for k, c in enumerate(self.channels):
            alone = self.alone(k)
            others = [] if alone else [self.channels[j].slopes(x) for j in ((1, 0) if k == 2 else (0,))]
            c.predict(x, others)
            r, base = self.reference(y, x, k), self.base(k)
            activity = None if self.shown is None else self.activity(y, x, k)
            sample = self.sample(self.bits[k], c, x, 0 if alone else k, r + base, residuals, activity)
            self.out[y][x][k] = sample
            c.settle(x, sample - r - base, sample - r)
            residuals.insert(0, c.r)
            if k == 0 and self.copies and self.n > 1 and self.plan.near == 0:
                whole = self.copies.complete(x, sample)
                if whole is not None:
                    for j in range(1, self.n):
                        self.take(y, x, j, whole >> (16 * j) & 0xFFFF)
                    return

    def level(self, c: Channel, x: int, order: int, r1: int, r2: int) -> int:
        size, near = c.size, self.plan.near
        m = 3 * (size(0, x - 1) + size(1, x)) + 2 * (size(1, x + 1) + size(1, x - 1)) + size(0, x - 2) + size(1, x + 2)
        g = (4 * m, 3 * m + 12 * abs(r1), (8 * m + 32 * abs(r1) + 16 * abs(r2)) // 3)[order]
        g = ((g >> 5) + 4) << c.z
        if near:
            g = max(g // (2 * near + 1), 4)
        o = top(g)
        return clamp(o - 5 - (g >> (o - 2) < 6), 0, c.depth + 2)

    def sample(
        self, bits: Bits, c: Channel, x: int, order: int, offset: int, known: list[int], activity: int | None
    ) -> int:
        f = clamp(c.p + 16 * offset, 0, 16 * c.last)
        start = (f + 8) >> 4
        flip = -1 if f - 16 * start >= 0 else 1
        r1, r2 = known[:2]
        level = self.level(c, x, order, r1, r2)
        shift = max(level - 1, 0)
        fine = max(shift - c.z, 0)
        away = clamp((offset - start) >> c.z, -8191, 8191)

        def at(up: int, column: int) -> int:
            return clamp(((c.v(up, column) + away) * flip) >> fine, -3, 3) + 3

        other = class_of(r2 >> fine) * flip + 4 if activity is None else activity
        straight = (at(0, x - 1) * 7 + at(1, x)) * 9 + class_of(r1 >> fine) * flip + 4
        diagonal = (at(1, x + 1) * 7 + at(1, x - 1)) * 9 + other
        places = (c.places[0, straight, level], c.places[1, diagonal, level])
        symbol = bits.symbol([a + b for a, b in zip(places[0].c, places[1].c, strict=True)])
        for place in places:
            place.learn(symbol)
        t = symbol - 8 if symbol >= 8 else 7 - symbol
        if t == 7:
            t += number(bits, c.rest[level])
        y = min((t << shift) + bits.raw(shift), 1 << 17)
        e = y if symbol >= 8 else -y - 1
        return clamp(start + e * flip * (2 * self.plan.near + 1), 0, c.last)

    def row_with_copies(self, y: int, copies: Copies) -> None:
        copies.pixels.begin(y == 0)
        x = 0
        while x < self.width:
            copies.barred = None
            if copies.same >= 8:
                for pixel in copies.run(y, x):
                    self.take_pixel(y, x, pixel)
                    x += 1
                if x == self.width:
                    return
            pixel = copies.find(y, x)
            if pixel is None:
                self.literal(y, x)
                pixel = sum(s << (16 * k) for k, s in enumerate(self.out[y][x]))
                copies.remember(x, pixel)
            else:
                self.take_pixel(y, x, pixel)
            copies.after(y, x, pixel)
            x += 1

    def take_pixel(self, y: int, x: int, pixel: int) -> None:
        for k in range(self.n):
            self.take(y, x, k, pixel >> (16 * k) & 0xFFFF)


# ------------------------------------------------------------------------------------------------ 8: copies
def mixed(h: int, *values: int) -> int:
    for v in values:
        h = ((h ^ v) * 0x9E3779B97F4A7C15) & M64
        h ^= h >> 29
    return h


def spread(h: int) -> int:
    return (h * 0xD6E8FEB86659FD93) & M64


@dataclass
class Entry:
    pixel: int = 0
    slot: Slot = field(default_factory=Slot)
    tag: int = 0
    age: int = 0


class Copies:
    def __init__(self, bits: Bits, width: int, height: int) -> None:
        self.bits, self.width, self.pixels = bits, width, Rows(width)
        self.b = next((b for b in range(10, 16) if 1 << b >= width * height), 16)
        self.tables: list[dict[int, Entry]] = [defaultdict(Entry) for _ in range(3)]
        self.slots = Slots()
        self.sets: dict[tuple[int, int, int], Weights] = defaultdict(lambda: Weights(8, 2500))
        self.wholes: list[dict[int, list[int]]] = [defaultdict(lambda: [0, 0]) for _ in range(2)]
        self.same, self.j, self.history = 0, 4, 0
        self.barred: int | None = None

    def source(self, y: int, x: int) -> int:
        return self.pixels(1, x) if y else self.pixels(0, x - 1)

    def run(self, y: int, x: int) -> list[int]:
        p, start = self.pixels, x
        while x < self.width:
            length = min(1 << self.j, self.width - x)
            flat = bool(y) and p(1, x) == p(1, x + 1) == p(0, x - 1)
            whole = self.slots["run", flat, self.j].bit(self.bits)
            count = length if whole else self.where(length)
            for _ in range(count):
                p.rows[0][x] = self.source(y, x)
                x += 1
            if not whole:
                self.j, self.same = max(self.j - 1, 3), 0
                self.barred = self.source(y, x)
                break
            self.j = min(self.j + 1, 12)
        return [p(0, i) for i in range(start, x)]

    def where(self, length: int) -> int:
        place = 0
        while length > 1:
            h = length // 2
            if self.slots["where", min(top(length), 12)].bit(self.bits):
                place, length = place + h, length - h
            else:
                length = h
        return place

    def look(self, x: int) -> None:
        p = self.pixels
        w, n, nw, ne, ww, nn = p(0, x - 1), p(1, x), p(1, x - 1), p(1, x + 1), p(0, x - 2), p(2, x)
        h0 = mixed(1, w, n, nw, ne)
        h1 = mixed(h0, ww, nn, p(1, x + 2), p(1, x - 2))
        h2 = mixed(h1, p(2, x + 1), p(2, x - 1), p(0, x - 3), p(1, x + 3), p(2, x + 2), p(2, x - 2))
        found = [spread(h) for h in (h0, h1, h2)]
        self.entries = [table[h >> (64 - self.b)] for table, h in zip(self.tables, found, strict=True)]
        self.tags = [h >> 16 & 0xFFFF for h in found]
        self.known = [e.age != 0 and e.tag == tag for e, tag in zip(self.entries, self.tags, strict=True)]
        equal = (w == n, n == ne, w == nw, nw == n, ww == w, nn == n)
        self.pattern = sum(bit << i for i, bit in enumerate(equal))
        self.near = (w, n, ne, nw)

    def find(self, y: int, x: int) -> int | None:
        self.look(x)
        candidates = [self.entries[i].pixel for i in (2, 1, 0) if self.known[i]] + list(self.near)
        tried: list[int] = []
        highest = max((i for i in range(3) if self.known[i]), default=-1)
        age = min(7, self.entries[max(highest, 0)].age)
        for candidate in candidates:
            if len(tried) == 4:
                break
            if candidate == self.barred or candidate in tried:
                continue
            rank, votes, odds = len(tried), 0, []
            for i, e in enumerate(self.entries):
                agrees = self.known[i] and e.pixel == candidate
                votes |= agrees << i
                odds.append(e.slot.odds() if agrees else -256 if self.known[i] else 0)
            mask = sum((pixel == candidate) << i for i, pixel in enumerate(self.near))
            place = spread(mixed(rank, candidate, self.near[0], self.near[1])) >> 48
            slots = [
                self.slots["pattern", rank, self.pattern, votes, age],
                self.slots["mask", rank, mask, votes, self.history % 16],
                self.slots["colour", place],
            ]
            weights = self.sets[rank, 1 + highest, age]
            hit = mixed_bit(self.bits, odds + [slot.odds() for slot in slots], weights)
            for slot in slots:
                slot.learn(hit)
            if hit:
                self.history = (self.history * 4 + min(rank, 2)) & M32
                return candidate
            tried.append(candidate)
        self.history = (self.history * 4 + 3) & M32
        return None

    def places(self, x: int, first: int) -> list[list[int]]:
        keys = (mixed(2, first, self.pixels(0, x - 1)), mixed(3, first))
        return [table[spread(key) >> 52] for table, key in zip(self.wholes, keys, strict=True)]

    def complete(self, x: int, first: int) -> int | None:
        tried = None
        for i, (pixel, age) in enumerate(self.places(x, first)):
            if age == 0 or pixel & 0xFFFF != first or pixel == tried:
                continue
            tried = pixel
            if self.slots["whole", i, min(age, 7)].bit(self.bits):
                return pixel
        return None

    def remember(self, x: int, pixel: int) -> None:
        for place in self.places(x, pixel & 0xFFFF):
            place[1] = min(place[1] + 1, 255) if place[0] == pixel else 1
            place[0] = pixel

    def after(self, y: int, x: int, pixel: int) -> None:
        for i, e in enumerate(self.entries):
            if self.known[i] and e.pixel == pixel:
                e.slot.learn(1)
                e.age = min(e.age + 1, 255)
                continue
            if self.known[i]:
                e.slot.learn(0)
            if not self.known[i] or e.slot.state < 1 << 31:
                e.pixel, e.tag, e.age, e.slot = pixel, self.tags[i], 1, Slot()
        self.same = self.same + 1 if pixel == self.source(y, x) else 0
        self.pixels.rows[0][x] = pixel


# ------------------------------------------------------------------------------------------------ a tile
def decode(
    data: bytes, width: int, height: int, channels: int, depth: int, shown: list[list[list[int]]] | None = None
) -> list[list[list[int]]]:
    """Samples [row][column][channel]; shown: the reference, alike."""
    (method, bits), order = streams(data), ORDER[channels]
    below = None if shown is None else [[[pixel[k] for k in order] for pixel in row] for row in shown]
    if method == 0:
        require(len(bits) == 1, "streams of a plain tile")
        pixels = [[[bits[0].raw(depth) for _ in order] for _ in range(width)] for _ in range(height)]
        require(-(-bits[0].taken // 8) == len(bits[0].data), "length of a plain tile")
        return [[arranged(pixel, order) for pixel in row] for row in pixels]
    plan = read_plan(bits[0], channels, depth, shown is not None)
    empty: list[list[list[int]]] = [[[] for _ in range(width)] for _ in range(height)]
    require(len(bits) in (1, len(plan.coded)), "number of streams")
    coded = Tile(bits, plan, width, height, below).run() if plan.coded else empty
    for stream in bits:
        stream.finish()
    return [[arranged(stored(plan, pixel), order) for pixel in row] for row in coded]


def stored(plan: Plan, coded: list[int]) -> list[int]:
    """The channels of a pixel in coding order."""
    if plan.palette is not None:
        return list(plan.palette[coded[0] if coded else 0])
    found: list[int] = []
    values = {k: value for (k, _), value in zip(plan.coded, coded, strict=True)}
    for k, (how, what) in enumerate(plan.stored):
        v = values.get(k, 0)
        found.append(v if how == 0 else what + v if how == 1 else what[v] if how == 2 else found[what])
    return found


def arranged(pixel: list[int], order: tuple[int, ...]) -> list[int]:
    out = [0] * len(pixel)
    for place, value in zip(order, pixel, strict=True):
        out[place] = value
    return out
