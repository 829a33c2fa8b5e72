"""Do training's gradients descend what files cost? Slopes held against finite differences, and small steps.

    python benchmarks/gradients.py --data DIR --valid DIR [-o FILE] [--crops 24] [slopes|steps ...]

`slopes`: what a gradient says of moving many latents (or means, or log-scales) alike, beside what files then cost, by
central differences through the trellis. Along such directions the noise of single symbols averages out; what is left of
a wrong sign is a bias, which training follows for as long as it runs.

`steps`: small steps of Adam for each part of the network, then what files cost on their own crops and on others.

Both for the gradients of `hpcm train --trellis` and for `as identity`, what they were before: latents learn as if the
trellis did nothing, and through bits with uniform noise.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import record
import torch
from torch import Tensor

from hpcmcodec.entropy.trellis import STEP
from hpcmcodec.models import store
from hpcmcodec.models.registry import build
from hpcmcodec.nn.torch_model import TorchModel
from hpcmcodec.train.data import Crops, load_pictures
from hpcmcodec.train.distributions import logistic_bits
from hpcmcodec.train.evaluate import validation_crops
from hpcmcodec.train.initial import from_model
from hpcmcodec.train.loss import Outcome, rate_distortion, straight_through
from hpcmcodec.train.trellis import Trellis

QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.2, 0.6, 0.8)
"""Of a batch of crops: the same in every measurement."""
BATCH = len(QUALITIES)
MEAN, SCALE, LATENT = "mean", "log_scale", "latent"
PARTS = {
    "analysis": r"^g_a\.|^log_up",
    "context": r"^ctx_|^up_state|^h_s|^log_scale0",
    "synthesis": r"^g_s\.|^log_down",
    "all": r"^(?!linear|h_pca|log_s0)",
}
"""Parameters that a part's steps move, by name."""


class AsIdentity(Trellis):
    """The gradients of a quantiser that is taken for the identity."""

    def __call__(self, latent: Tensor, mean: Tensor, log_scale: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        values, symbols, quantisers, rows = self._quantised((latent - mean).detach(), log_scale.detach())
        bits, slope = self._looked_up(symbols, quantisers, rows, log_scale.detach())
        wide = log_scale.detach() - math.log(2 * STEP)
        noise = torch.rand_like(latent) - 0.5
        by_mean = logistic_bits((values - (mean - mean.detach())) / (2 * STEP), wide)
        by_latent = logistic_bits((latent - mean.detach()) / (2 * STEP) + noise, wide)
        zero = slope * (log_scale - log_scale.detach()) + by_mean - by_mean.detach() + by_latent - by_latent.detach()
        return straight_through(latent, values + mean.detach()), bits + zero


class Moved:
    """A trellis whose inputs are moved along a direction before it sees them, or which sums up their gradients."""

    def __init__(self, trellis: Trellis, direction: Direction | None = None, by: float = 0.0) -> None:
        self.trellis, self.direction, self.by = trellis, direction, by
        self.seen: list[dict[str, Tensor]] = []

    def __call__(self, latent: Tensor, mean: Tensor, log_scale: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        now = {LATENT: latent, MEAN: mean, SCALE: log_scale}
        if self.direction is not None:
            now[self.direction.what] = now[self.direction.what] + self.by * self.direction(now, self.trellis)
        elif torch.is_grad_enabled():
            now = {name: value.detach().requires_grad_() for name, value in now.items()}
            self.seen.append(now)
        return self.trellis(now[LATENT], now[MEAN], now[SCALE], quality)

    def told(self, direction: Direction) -> float:
        """The slope along a direction by the gradients that were summed up."""
        slopes = ((now[direction.what].grad, direction(now, self.trellis)) for now in self.seen)
        return sum(float((grad * along).sum()) for grad, along in slopes if grad is not None)


How = Callable[[Tensor, Tensor], Tensor]
"""By how much each latent is moved: of residuals and table rows."""


class Direction:
    """What is moved, and by how much each of it, as a function of residual and table row."""

    def __init__(self, what: str, how: How) -> None:
        self.what, self._how = what, how

    def __call__(self, now: dict[str, Tensor], trellis: Trellis) -> Tensor:
        return self._how((now[LATENT] - now[MEAN]).detach(), trellis.row(now[SCALE].detach()))


def directions() -> dict[str, Direction]:
    """Latents away from their means, by the size of the residual and by the predicted scale; means towards latents;
    log-scales up."""

    def between(value: Tensor, low: float, high: float) -> Tensor:
        return ((value >= low) & (value < high)).float()

    def by_size(low: float, high: float) -> How:
        return lambda r, row: r.sign() * between(r.abs(), low, high) * (row >= 12)

    def by_row(low: float, high: float) -> How:
        return lambda r, row: r.clamp(-3, 3) * between(row, low, high)

    def up(low: float, high: float) -> How:
        return lambda r, row: between(row, low, high)

    found = {}
    sizes, rows = (0.2, 0.5, 0.8, 1.2, 2.0), (12, 28, 36, 44, 52, 96)
    for small, large in itertools.pairwise(sizes):
        found[f"latents {small} to {large} steps off their mean, outwards"] = Direction(LATENT, by_size(small, large))
    for low, high in itertools.pairwise(rows):
        found[f"latents of table rows {low} to {high - 1}, outwards"] = Direction(LATENT, by_row(low, high))
    found["means, towards latents"] = Direction(MEAN, lambda r, row: r.clamp(-1, 1) * (row >= 12))
    for low, high in itertools.pairwise(rows):
        found[f"log-scales of rows {low} to {high - 1}, up"] = Direction(SCALE, up(low, high))
    return found


class Bench:
    """A model, its trellis with either gradient, and crops."""

    def __init__(self, args: argparse.Namespace) -> None:
        file, start = store.find(args.model), from_model(args.model)
        self.start, self.network = start, build(start.config)
        self.model = TorchModel(self.network, start.arrays)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = {k.replace("/", "."): v for k, v in self.model.named_parameters()}
        self.trellises = {"hpcm train": Trellis.of(file), "as identity": AsIdentity.of(file)}
        crops = Crops(load_pictures(args.data, args.cache), args.side, 0.25, args.seed)
        pictures = [torch.from_numpy(crops.batch(i, BATCH)) for i in range(args.crops // BATCH)]
        self.own = [p.float() / 255 for p in pictures]
        self.other = list((validation_crops(args.valid, 24, args.side).float() / 255).split(BATCH))

    def outcome(self, x: Tensor, trellis: Any) -> Outcome:
        quality = torch.tensor(QUALITIES[: len(x)])
        x = x.contiguous(memory_format=torch.channels_last)
        return rate_distortion(self.network, x, quality, rdo=0.7, quantiser=trellis)

    @torch.no_grad()
    def cost(self, batches: list[Tensor], direction: Direction | None = None, by: float = 0.0) -> Tensor:
        """The yardstick of every crop."""
        trellis = Moved(self.trellises["hpcm train"], direction, by)
        return torch.cat([self.outcome(x, trellis).yardstick for x in batches])

    def slopes(self) -> Iterator[tuple[str, Any]]:
        told: dict[str, dict[str, float]] = {name: {} for name in directions()}
        for kind, trellis in self.trellises.items():
            for x in self.own:
                torch.manual_seed(0)
                taps = Moved(trellis)
                self.outcome(x, taps).yardstick.mean().backward()  # type: ignore[no-untyped-call]
                for name, direction in directions().items():
                    told[name][kind] = told[name].get(kind, 0.0) + 1e3 * taps.told(direction) / len(self.own)
        for name, direction in directions().items():
            by = 0.06 if direction.what == SCALE else 0.04
            ends = [self.cost(self.own, direction, sign * by).double() for sign in (1, -1)]
            slope = 1e3 * (ends[0] - ends[1]) / (2 * by)
            noise = float(slope.std()) / len(slope) ** 0.5
            yield name, {"true": float(slope.mean()), "standard error": noise, **told[name]}

    def steps(self, count: int, rate: float) -> Iterator[tuple[str, Any]]:
        before = [self.cost(batches) for batches in (self.own, self.other)]
        for part, pattern in PARTS.items():
            for kind, trellis in self.trellises.items():
                self._descend(pattern, trellis, count, rate)
                after = [self.cost(batches) for batches in (self.own, self.other)]
                self.model.load_state_dict(TorchModel(build(self.start.config), self.start.arrays).state_dict())
                change = {
                    place: [_percent(x.mean() / y.mean() - 1), _percent((x - y).std() / len(x) ** 0.5 / y.mean())]
                    for place, x, y in zip(("own crops", "validation"), after, before, strict=True)
                }
                yield f"{part}, {kind}", change

    def _descend(self, pattern: str, trellis: Trellis, count: int, rate: float) -> None:
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(re.search(pattern, name) is not None)
        moved = [p for p in self.parameters.values() if p.requires_grad]
        optimizer = torch.optim.Adam(moved, lr=rate, betas=(0.9, 0.98), eps=1e-10)
        for step in range(count):
            torch.manual_seed(step)
            optimizer.zero_grad()
            self.outcome(self.own[step % len(self.own)], trellis).yardstick.mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def _percent(value: Tensor) -> float:
    return round(100 * float(value), 4)


def slope_table(slopes: dict[str, dict[str, float]]) -> record.Table:
    """The true slopes with their standard errors, and what each kind of gradient says."""
    kinds = [name for name in next(iter(slopes.values())) if name not in ("true", "standard error")]
    rows = []
    for name, found in slopes.items():
        true = f"{found['true']:+.1f} +- {found['standard error']:.1f}"
        rows.append([name, true, *(f"{found[kind]:+.1f}" for kind in kinds)])
    return record.table(["moved", "what files cost", *kinds], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["slopes", "steps"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("picture-cache"))
    parser.add_argument("--model", default="lite-8")
    parser.add_argument("--crops", type=int, default=24)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rate", type=float, default=1e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    results: dict[str, Any] = {}
    bench, began = Bench(args), time.monotonic()
    for what in args.what:
        lines = bench.slopes() if what == "slopes" else bench.steps(args.steps, args.rate)
        results[what] = {}
        for name, found in lines:
            results[what][name] = found
            print(f"{time.monotonic() - began:7.0f} s  {name}: {found}", file=sys.stderr, flush=True)
    tables = {"slopes": slope_table(results["slopes"])} if "slopes" in results else {}
    record.report(results, tables, args.output, f"{args.model}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
