"""Speed of the entropy coder and of what runs once per latent, on one core.

    python benchmarks/entropy.py [-o FILE]

Symbols are drawn from the logistic family's own distributions. `photo` is skewed like a photograph's latents (most
scales small), `uniform` takes every row equally often; `trellis` is what the default model does with latents. Rates are
million symbols a second, best of several runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import record

from hpcmcodec import kernels
from hpcmcodec.entropy.coder import EntropyCoder
from hpcmcodec.entropy.tables import EntropyTables, logistic_tables
from hpcmcodec.models import store

COUNT = 1 << 21


def best_rate(work: Callable[[], object], runs: int = 7) -> float:
    """Million symbols a second of one processor's time, which other work on the machine disturbs little."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return COUNT / min(times) / 1e6


def draw(tables: EntropyTables, skew: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Log-scales and symbols; skew 0 is uniform in log-scale."""
    low, high = float(tables.thresholds[0]), float(tables.thresholds[-1])
    log_scale = low + (high - low) * rng.random(COUNT) ** (1 + skew)
    u = rng.uniform(1e-7, 1 - 1e-7, COUNT)
    return log_scale.astype(np.float32), np.rint(np.exp(log_scale) * np.log(u / (1 - u))).astype(np.int32)


def measure(name: str, skew: float, tables: EntropyTables, coder: EntropyCoder) -> list[str]:
    """A row of the table: one coding step of COUNT latents, each rounded by itself."""
    log_scale, symbols = draw(tables, skew, np.random.default_rng(1))
    rows = kernels.scale_index(log_scale, tables.thresholds)
    encoder = coder.encoder()
    encoder.add(symbols, rows)
    data = encoder.finish()
    estimate = float(coder.bits(symbols, rows).sum(dtype=np.float64))
    residual = symbols.astype(np.float32)
    rates = {
        "encode": best_rate(encoder.finish),
        "decode": best_rate(lambda: coder.decoder(data).decode(rows)),
        "scale index": best_rate(lambda: kernels.scale_index(log_scale, tables.thresholds)),
        "estimate": best_rate(lambda: coder.bits(symbols, rows)),
        "quantise": best_rate(lambda: coder.quantise(residual, rows, 0.7)),
    }
    over = len(data) * 8 / estimate - 1
    return [name, f"{len(data) * 8 / COUNT:.3f}", f"{100 * over:+.4f} %", *(f"{rate:.0f}" for rate in rates.values())]


def measure_trellis(name: str, skew: float, tables: EntropyTables, coder: EntropyCoder) -> list[str]:
    """The same by the trellis, whose search is its encoding. `tables`: of plain rounding, for the latents' scales."""
    rng = np.random.default_rng(1)
    log_scale, symbols = draw(tables, skew, rng)
    residual = (symbols + rng.uniform(-0.5, 0.5, COUNT)).astype(np.float32)
    rows = kernels.scale_index(log_scale, tables.thresholds)
    coded = coder.quantise(residual, rows, 0.7)
    encoder = coder.encoder()
    encoder.add(coded.symbols, coded.rows)
    data = encoder.finish()
    search = best_rate(lambda: coder.quantise(residual, rows, 0.7), 3)
    decode = best_rate(lambda: coder.decoder(data).values(rows))
    return [f"{name}, trellis", f"{len(data) * 8 / COUNT:.3f}", "", f"{search:.1f}", f"{decode:.0f}", "", "", ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    output = parser.parse_args().output
    kernels.set_threads(1)
    tables = logistic_tables()
    coder, trellis = EntropyCoder.of(tables), EntropyCoder.of(store.find())
    rows = [measure("photo", 3.0, tables, coder), measure("uniform", 0.0, tables, coder)]
    rows += [measure_trellis("photo", 3.0, tables, trellis), measure_trellis("uniform", 0.0, tables, trellis)]
    columns = ["latents", "bits a symbol", "over its tables", "encode", "decode", "scale index", "estimate", "quantise"]
    record.report(rows, {"rates": record.table(columns, rows)}, output, "million symbols a second of one processor")


if __name__ == "__main__":
    main()
