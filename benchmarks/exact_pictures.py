"""Graphics for benchmarks/exact.py: screenshots, pages, drawings, icons and maps, rendered here, never committed.

python benchmarks/exact_pictures.py FOLDER

Needs Chromium (headless), Pillow, matplotlib, and Debian's adwaita-icon-theme and fonts-liberation.
"""

from __future__ import annotations

import html
import inspect
import random
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SANS = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
MONO = "/usr/share/fonts/truetype/liberation/LiberationMono-Regular.ttf"
SERIF = "/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf"
ICONS = Path("/usr/share/icons/Adwaita/scalable")


def shot(page: str, width: int, height: int, scale: float = 1) -> Image.Image:
    """What Chromium shows of a page."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(f"<!doctype html><meta charset=utf-8>{page}")
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--screenshot={target}",
        ]
        command += [f"--window-size={width},{height}", f"--force-device-scale-factor={scale}", f"file://{source}"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return Image.open(target).convert("RGB")


def prose(length: int) -> str:
    """English text: docstrings of the standard library."""
    import argparse
    import decimal
    import email
    import logging
    import statistics

    found = [inspect.getdoc(v) or "" for m in (decimal, argparse, statistics, logging, email) for v in vars(m).values()]
    return " ".join(" ".join(found).split())[:length]


def article() -> Image.Image:
    text = "".join(
        f"<h2>{i}. {t[:30]}</h2><p>{html.escape(t)}</p>" for i, t in enumerate(textwrap.wrap(prose(6000), 900), 1)
    )
    return shot(
        f"<body style='font:16px Liberation Serif;margin:40px 120px;color:#202122'><h1>An article</h1>{text}",
        1280,
        1600,
    )


def editor() -> Image.Image:
    lines = []
    colours = {
        "def": "#c678dd",
        "return": "#c678dd",
        "for": "#c678dd",
        "if": "#c678dd",
        "self": "#e5c07b",
        "None": "#d19a66",
    }
    for i, line in enumerate(inspect.getsource(textwrap).splitlines()[150:200], 150):
        words = [
            f"<span style='color:{colours.get(w.strip('():,'), '#abb2bf')}'>{html.escape(w)}</span>"
            for w in line.split(" ")
        ]
        lines.append(f"<span style='color:#4b5263'>{i}</span>  {' '.join(words)}")
    return shot(
        "<body style='background:#282c34;margin:8px'><pre style='font:14px/20px Liberation Mono'>"
        f"{chr(10).join(lines)}</pre>",
        1200,
        1000,
    )


def dashboard() -> Image.Image:
    rng = random.Random(1)
    cards = ""
    for i in range(6):
        points = " ".join(f"{x * 12},{90 - rng.random() * 70:.0f}" for x in range(28))
        cards += (
            "<div style='background:#fff;border-radius:10px;box-shadow:0 2px 8px #0003;padding:16px;width:330px'>"
            f"<b>Metric {i}</b><div style='font-size:28px;color:#2b6cb0'>{rng.random() * 1000:.1f}</div>"
            f"<svg width=330 height=100>"
            f"<polyline points='{points}' fill=none stroke='#e53e3e' stroke-width=2 /></svg></div>"
        )
    head = "<div style='background:linear-gradient(90deg,#434190,#2b6cb0);color:#fff;padding:18px'>Dashboard</div>"
    return shot(
        f"<body style='margin:0;font:14px Liberation Sans;background:#edf2f7'>{head}"
        f"<div style='display:flex;flex-wrap:wrap;gap:20px;padding:24px'>{cards}</div>",
        1200,
        760,
    )


def table() -> Image.Image:
    rng = random.Random(2)
    rows = "".join(
        f"<tr style='background:{'#f2f2f2' if i % 2 else '#fff'}'>"
        + "".join(f"<td>{rng.randrange(10**5)}</td>" for _ in range(9))
        + "</tr>"
        for i in range(45)
    )
    style = "<style>td{border:1px solid #ccc;padding:2px 12px;text-align:right}table{border-collapse:collapse}</style>"
    return shot(f"{style}<body style='font:13px Liberation Sans'><table>{rows}</table>", 900, 1000)


def retina() -> Image.Image:
    return shot(
        f"<body style='font:15px Liberation Sans;margin:30px'><h1>Two pixels a point</h1><p>{html.escape(prose(1500))}"
        "<p><a href=x>a link</a> <button>A button</button> <input value='some text'>",
        700,
        500,
        2,
    )


def plot() -> Image.Image:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(3)
    figure, axes = plt.subplots(2, 2, figsize=(10, 8), dpi=100)
    for k in range(5):
        axes[0, 0].plot(np.cumsum(rng.normal(size=200)), label=f"series {k}")
    axes[0, 0].legend()
    axes[0, 1].scatter(rng.normal(size=300), rng.normal(size=300), c=rng.random(300), s=30 * rng.random(300))
    axes[1, 0].bar(range(12), rng.random(12))
    axes[1, 1].hist(rng.normal(size=2000), 40)
    return _figure(figure)


def _figure(figure: object) -> Image.Image:
    figure.canvas.draw()  # type: ignore[attr-defined]
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())  # type: ignore[attr-defined]


def street_map() -> Image.Image:
    rng = random.Random(4)
    parts = ["<rect width=1100 height=900 fill='#f2efe9'/>"]
    for _ in range(14):
        x, y = rng.random() * 1100, rng.random() * 900
        ring = " ".join(
            f"{x + rng.uniform(40, 140) * np.cos(a):.0f},{y + rng.uniform(40, 140) * np.sin(a):.0f}"
            for a in np.arange(0, 6.28, 0.5)
        )
        parts.append(f"<polygon points='{ring}' fill='{rng.choice(['#c8facc', '#aad3df', '#e0dfdf', '#eef0d5'])}'/>")
    for width, colour, edge, count in (
        (5, "#fff", "#c8c4bd", 60),
        (9, "#fcd6a4", "#cba67a", 10),
        (12, "#e892a2", "#c24e6b", 4),
    ):
        roads = []
        for _ in range(count):
            x, y, a = rng.random() * 1100, rng.random() * 900, rng.random() * 6.28
            path = f"M{x:.0f} {y:.0f}"
            for _ in range(6):
                a += rng.uniform(-0.4, 0.4)
                x, y = x + 90 * np.cos(a), y + 90 * np.sin(a)
                path += f"L{x:.0f} {y:.0f}"
            roads.append(path)
        parts += [f"<path d='{p}' fill=none stroke='{edge}' stroke-width={width + 2} />" for p in roads]
        parts += [f"<path d='{p}' fill=none stroke='{colour}' stroke-width={width} />" for p in roads]
    for word in prose(1200).split()[:90]:
        parts.append(
            f"<text x={rng.random() * 1050:.0f} y={rng.random() * 880:.0f} font-size={rng.choice([11, 12, 15])} "
            f"fill='#333' stroke='#fff' stroke-width=3 paint-order=stroke>{html.escape(word)}</text>"
        )
    return shot(
        f"<body style='margin:0;font-family:Liberation Sans'><svg width=1100 height=900>{''.join(parts)}</svg>",
        1100,
        900,
    )


def contours() -> Image.Image:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    y, x = np.mgrid[-3:3:200j, -4:4:260j]
    z = np.sin(x * 1.3) * np.cos(y * 1.7) + 0.3 * np.sin(3 * x + y)
    figure, axes = plt.subplots(figsize=(10, 7), dpi=110)
    axes.clabel(axes.contour(x, y, z, 14, colors="k", linewidths=0.6))
    axes.contourf(x, y, z, 14, cmap="terrain")
    return _figure(figure)


def icons() -> Image.Image:
    found = sorted(ICONS.rglob("*.svg"))[::5][:300]
    pictures = "".join(f"<img src='file://{p}' width=48 height=48 style='margin:6px'>" for p in found)
    return shot(f"<body style='margin:0;background:#f6f5f4'>{pictures}", 960, 900)


def terminal() -> Image.Image:
    picture = Image.new("RGB", (1000, 720), (12, 12, 12))
    draw, font, rng = ImageDraw.Draw(picture), ImageFont.truetype(MONO, 14), random.Random(5)
    for i, path in enumerate(sorted(Path(inspect.__file__).parent.glob("*.py"))[:42]):
        size = path.stat().st_size
        draw.text(
            (6, 4 + 17 * i),
            f"-rw-r--r-- 1 root root {size:8d} Nov {rng.randrange(1, 30):2d} 10:{rng.randrange(60):02d} ",
            (204, 204, 204),
            font,
        )
        draw.text((430, 4 + 17 * i), path.name, rng.choice([(97, 214, 214), (22, 198, 12), (249, 241, 165)]), font)
    return picture


def bilevel() -> Image.Image:
    page = Image.new("L", (1654, 2339), 255)
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(SERIF, 36)
    for i, line in enumerate(textwrap.wrap(prose(9000), 82)[:46]):
        draw.text((140, 140 + 45 * i), line, 0, font)
    page = page.rotate(0.4, Image.Resampling.BICUBIC, fillcolor=255)
    noise = np.random.default_rng(6).normal(size=(2339, 1654)) * 22
    return Image.fromarray(((np.asarray(page) + noise) > 128).astype(np.uint8) * 255)


def drawing() -> Image.Image:
    picture, rng = Image.new("RGB", (1024, 768), (255, 255, 255)), random.Random(7)
    draw = ImageDraw.Draw(picture)
    palette = [tuple(rng.randrange(0, 256, 51) for _ in range(3)) for _ in range(14)]
    for _ in range(120):
        x, y, r = rng.randrange(1024), rng.randrange(768), rng.randrange(8, 70)
        shape = rng.choice([draw.ellipse, draw.rectangle])
        shape((x - r, y - r, x + r, y + r // 2), fill=rng.choice(palette), outline=(0, 0, 0), width=3)
    for _ in range(40):
        draw.line(
            [(rng.randrange(1024), rng.randrange(768)) for _ in range(3)],
            fill=rng.choice(palette),
            width=rng.randrange(1, 6),
        )
    return picture


PICTURES: dict[str, Callable[[], Image.Image]] = {
    f.__name__: f
    for f in (article, editor, dashboard, table, retina, plot, street_map, contours, icons, terminal, bilevel, drawing)
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PICTURES.items():
        if not (folder / f"{name}.png").exists():
            make().save(folder / f"{name}.png")
            print(name, flush=True)


if __name__ == "__main__":
    main()
