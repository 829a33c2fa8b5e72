"""Draws what rate_distortion.py measured (needs matplotlib).

python benchmarks/plot_rate_distortion.py results.json docs/kodak.svg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib
from matplotlib import pyplot

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "hpcmcodec"  # the same file from the same figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    curves = json.loads(arguments.results.read_text())
    figure, axes = pyplot.subplots(figsize=(7, 4.6))
    for name, rows in curves.items():
        ours = name == "hpcm"
        bpp, psnr = [row["bpp"] for row in rows], [row["psnr"] for row in rows]
        label = "hpcmcodec lite-2" if ours else name
        axes.plot(bpp, psnr, marker="o" if ours else ".", linewidth=2.4 if ours else 1.2, label=label)
    axes.set_xlim(0, 2)
    axes.set_ylim(24, 42)
    axes.set_xlabel("bits per pixel (whole files)")
    axes.set_ylabel("RGB PSNR in dB")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(arguments.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
