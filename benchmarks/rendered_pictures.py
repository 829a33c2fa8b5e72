"""Pictures of screens for training: pages of text, code, tables, plots, windows, drawn with the fonts of this machine.

    python benchmarks/rendered_pictures.py -o DIR [--count 80] [--fonts /usr/share/fonts] [--text FILE...] [--seed 0]

Photographs teach a codec nothing of sharp edges on flat colour; a tenth of such crops among them does. Lossless PNG,
the same for the same seed, fonts and text.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 512
Colour = tuple[int, int, int]
THEMES: list[tuple[Colour, Colour]] = [
    ((255, 255, 255), (20, 20, 24)),
    ((250, 248, 240), (50, 45, 40)),
    ((30, 32, 38), (220, 222, 226)),
    ((12, 12, 12), (170, 220, 170)),
    ((238, 240, 244), (36, 41, 47)),
]
"""Paper and ink."""


class Page:
    """A picture in the making, with its own paper, ink and chance."""

    def __init__(self, rng: np.random.Generator, fonts: list[Path], words: list[str]) -> None:
        self.rng, self.fonts, self.words = rng, fonts, words
        self.paper, self.ink = THEMES[rng.integers(len(THEMES))]
        self.image = Image.new("RGB", (SIDE, SIDE), self.paper)
        self.draw = ImageDraw.Draw(self.image)

    def font(self, low: int = 9, high: int = 24) -> ImageFont.FreeTypeFont:
        path = self.fonts[self.rng.integers(len(self.fonts))]
        return ImageFont.truetype(str(path), int(self.rng.integers(low, high)))

    def colour(self) -> Colour:
        """A strong one."""
        r, g, b = (int(v) for v in self.rng.integers(0, 256, 3))
        return r, g, b

    def mixed(self, share: float) -> Colour:
        """Between paper and ink."""
        r, g, b = (round(p + share * (i - p)) for p, i in zip(self.paper, self.ink, strict=True))
        return r, g, b

    def phrase(self, count: int) -> str:
        start = int(self.rng.integers(max(1, len(self.words) - count)))
        return " ".join(self.words[start : start + count])


def text(page: Page, left: int = 12, top: int = 12, right: int = SIDE, bottom: int = SIDE) -> None:
    """Paragraphs, here and there a heading."""
    font, y = page.font(), top
    while y < bottom:
        if page.rng.random() < 0.1:
            heading = page.font(20, 40)
            page.draw.text((left, y), page.phrase(4), page.colour(), heading)
            y += int(1.6 * heading.size)
        for _ in range(int(page.rng.integers(2, 9))):
            page.draw.text((left, y), page.phrase(max(2, (right - left) // int(4 * font.size))), page.ink, font)
            y += int(1.35 * font.size)
        y += int(font.size)


def code(page: Page) -> None:
    """Indented lines of coloured words."""
    font, colours, y = page.font(9, 16), [page.colour() for _ in range(5)], 6
    while y < SIDE:
        x = 30 + int(page.rng.integers(0, 5)) * 2 * font.size
        page.draw.text((4, y), str(int(y)), page.mixed(0.4), font)
        for word in page.phrase(int(page.rng.integers(0, 9))).split():
            page.draw.text((x, y), word, colours[int(page.rng.integers(5))], font)
            x += page.draw.textlength(word + " ", font)
        y += int(1.3 * font.size)


def table(page: Page) -> None:
    """Ruled, with shaded rows."""
    font, columns, height = page.font(9, 15), int(page.rng.integers(3, 8)), int(page.rng.integers(18, 34))
    for row, y in enumerate(range(0, SIDE, height)):
        page.draw.rectangle((0, y, SIDE, y + height), page.mixed(0.06 * (row % 2) if row else 0.2))
        for column in range(columns):
            x = column * SIDE // columns
            page.draw.line((x, 0, x, SIDE), page.mixed(0.25))
            entry = page.phrase(1) if column == 0 else f"{page.rng.normal(0, 300):.2f}"
            page.draw.text((x + 4, y + 3), entry, page.ink, font)


def plot(page: Page) -> None:
    """Axes, curves, bars."""
    font = page.font(9, 14)
    for tick in range(40, SIDE, 60):
        page.draw.line((40, tick, SIDE - 10, tick), page.mixed(0.15))
        page.draw.text((6, tick - 6), f"{SIDE - tick}", page.ink, font)
    for _ in range(int(page.rng.integers(1, 5))):
        steps = np.cumsum(page.rng.normal(0, 14, 48)) + page.rng.integers(100, 400)
        points = [(40 + 10 * i, float(v)) for i, v in enumerate(steps)]
        page.draw.line(points, page.colour(), int(page.rng.integers(1, 4)))
    if page.rng.random() < 0.5:
        colour = page.colour()
        for x in range(50, SIDE - 20, 24):
            page.draw.rectangle((x, int(page.rng.integers(150, 480)), x + 15, 500), colour)
    page.draw.rectangle((40, 20, SIDE - 10, 500), outline=page.ink)


def windows(page: Page) -> None:
    """Overlapping windows with titles, buttons and text, over a slow gradient."""
    ramp = np.linspace(page.colour(), page.colour(), SIDE)[:, None]
    page.image.paste(Image.fromarray(np.broadcast_to(ramp, (SIDE, SIDE, 3)).astype(np.uint8)))
    for _ in range(int(page.rng.integers(2, 5))):
        x, y = (int(v) for v in page.rng.integers(-40, 330, 2))
        w, h = (int(v) for v in page.rng.integers(140, 380, 2))
        page.paper, page.ink = THEMES[page.rng.integers(len(THEMES))]
        page.draw.rounded_rectangle((x, y, x + w, y + h), 8, page.paper, page.mixed(0.3))
        page.draw.rounded_rectangle((x, y, x + w, y + 24), 8, page.colour())
        page.draw.text((x + 10, y + 4), page.phrase(2), page.paper, page.font(11, 15))
        text(page, x + 10, y + 34, x + w, y + h - 60)
        page.draw.rounded_rectangle((x + w - 90, y + h - 30, x + w - 10, y + h - 8), 5, page.colour())
        page.draw.text((x + w - 80, y + h - 27), page.phrase(1)[:9], page.paper, page.font(11, 14))


def shapes(page: Page) -> None:
    """A flat drawing: polygons, discs, lettering."""
    for _ in range(int(page.rng.integers(6, 30))):
        x, y = (int(v) for v in page.rng.integers(0, SIDE, 2))
        r = int(page.rng.integers(8, 120))
        if page.rng.random() < 0.5:
            page.draw.ellipse((x - r, y - r, x + r, y + r), page.colour(), page.ink, int(page.rng.integers(0, 4)))
        else:
            page.draw.regular_polygon(
                (x, y, r), int(page.rng.integers(3, 8)), int(page.rng.integers(90)), page.colour()
            )
    page.draw.text((20, int(page.rng.integers(0, 400))), page.phrase(2), page.ink, page.font(40, 90))


KINDS: list[Callable[[Page], None]] = [text, code, table, plot, windows, shapes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--text", type=Path, nargs="*", help="default: licences of this machine, else this script")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    fonts = sorted(args.fonts.rglob("*.ttf"))
    if not fonts:
        parser.error(f"no fonts (*.ttf) in {args.fonts}")
    sources = args.text or sorted(Path("/usr/share/common-licenses").glob("*")) or [Path(__file__)]
    words = " ".join(path.read_text(errors="replace") for path in sources).split()
    args.output.mkdir(parents=True, exist_ok=True)
    for number in range(args.count):
        page = Page(np.random.default_rng((args.seed, number)), fonts, words)
        KINDS[number % len(KINDS)](page)
        page.image.save(args.output / f"rendered-{number:04d}.png")


if __name__ == "__main__":
    main()
