"""Draws the quality guide's picture and prints its table: python benchmarks/quality_guide.py docs/guide/quality.png"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image, ImageDraw

import hpcmcodec

SIDE, QUALITIES = 256, (5, 50, 95)


def drawing() -> Image.Image:
    """A landscape of gradients and texture with some lettering."""
    rng = np.random.default_rng(18)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    hills = 0.55 + 0.1 * np.sin(7 * columns) + 0.04 * np.sin(23 * columns)
    sky = np.stack([90 + 120 * rows, 140 + 90 * rows, 230 - 20 * rows], 2)
    grass = np.stack([60 + 60 * rows, 110 + 40 * columns, 50 + 0 * rows], 2) + rng.normal(0, 10, (SIDE, SIDE, 1))
    image = Image.fromarray(np.where((rows > hills)[..., None], grass, sky).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((180, 20, 226, 66), fill=(255, 240, 170))
    draw.text((14, 16), "small letters, 0123456789", fill=(20, 20, 40))
    for i in range(12):
        draw.line((20 + 6 * i, 120, 60 + 3 * i, 240), fill=(70, 40, 20), width=1)
    return image


def main() -> None:
    picture = drawing()
    strip = Image.new("RGB", (SIDE * (1 + len(QUALITIES)), SIDE))
    strip.paste(picture, (0, 0))
    print("| quality | bytes | bits per pixel | PSNR in dB |\n| --- | --- | --- | --- |")
    for i, quality in enumerate(QUALITIES, 1):
        data = hpcmcodec.encode(picture, quality=quality)
        decoded = hpcmcodec.decode(data)
        strip.paste(decoded, (SIDE * i, 0))
        error = np.mean((np.asarray(picture, float) - np.asarray(decoded, float)) ** 2)
        print(f"| {quality} | {len(data)} | {8 * len(data) / SIDE**2:.2f} | {10 * np.log10(255**2 / error):.1f} |")
    strip.save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
