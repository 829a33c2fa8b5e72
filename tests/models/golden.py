"""Running a network on formula weights, and comparing what it does with the official networks' recorded outputs."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import formula
import numpy as np
import pytest

from hpcmcodec.models import geometry
from hpcmcodec.models.geometry import SCALE1
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import OFFICIAL
from hpcmcodec.models.traversal import State
from hpcmcodec.nn.module import Module

DATA = Path(__file__).parent.parent / "data/hpcm"
BACKENDS = ("native", "float32", "float64")


def array(values: np.ndarray, backend: str) -> Any:
    """`values` for a backend: numpy float32 for "native", a torch tensor for "float32" and "float64"."""
    if backend == "native":
        pytest.importorskip("hpcmcodec.kernels._native", reason="the native kernels are not built")
        return np.ascontiguousarray(values, np.float32)
    torch = pytest.importorskip("torch")
    return torch.from_numpy(np.ascontiguousarray(values)).to(getattr(torch, backend))


def numpy(t: Any) -> np.ndarray:
    return t if isinstance(t, np.ndarray) else t.detach().numpy()


@cache
def _weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return formula.weight(name, shape)


def load(module: Module, backend: str, prefix: str = "", keep: bool = True) -> None:
    """Give a module its formula weights, named as if it stood at `prefix`. `keep` remembers them for the next test."""
    make = _weight if keep else formula.weight
    module.load({name: array(make(prefix + name, spec.shape), backend) for name, spec in module.specs().items()})


def picture(case: Any) -> np.ndarray:
    """The case's picture (1, 3, H, W) in 0..1, zero-padded around as the official test does."""
    (h, w), (full_h, full_w) = (tuple(int(v) for v in case[key]) for key in ("image_hw", "padded_hw"))
    pixels = formula.image(h, w, int(case["image_salt"]))
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == str(case["image_sha256"])
    top, left = (full_h - h) // 2, (full_w - w) // 2
    x = np.zeros((1, 3, full_h, full_w), np.float32)
    x[0, :, top : top + h, left : left + w] = pixels.astype(np.float32) / np.float32(255)
    return x


class Run:
    """One pass of encoder, decoder and synthesis, with everything that the golden files record."""

    def __init__(self, preset: str, backend: str, x: np.ndarray, keep: bool = True) -> None:
        self.model = Hpcm(OFFICIAL[preset])
        load(self.model, backend, keep=keep)
        self.tensors: dict[str, np.ndarray] = {}
        self.symbols: dict[int, np.ndarray] = {}
        self.scales: dict[int, np.ndarray] = {}
        self._watch()
        y = self.model.analyse(array(x, backend))
        z = self.model.hyper_analyse(y)
        self.z_symbols = np.round(numpy(z))
        pick = self.model.pick(y)
        z_rounded = array(self.z_symbols, backend)

        def encode(step, mean, scale):
            rounded = (pick(step) - mean).round()
            self.symbols[step.index] = numpy(rounded)
            self.scales[step.index] = numpy(scale)
            return rounded + mean

        y_hat = self.model.traverse(z_rounded, None, encode)
        self.record("y", y)
        self.record("z", z + self.model.means_hyper)
        self.record("z_hat", z_rounded + self.model.means_hyper)
        self.record("y_hat", y_hat)
        self.record("x_hat", self.model.synthesise(y_hat))
        self._unwatch()
        decoded = self.model.traverse(z_rounded, None, lambda step, mean, scale: self._symbol(step, backend) + mean)
        self.decoded = numpy(decoded)

    def record(self, name: str, t: Any) -> None:
        self.tensors[name] = numpy(t)

    def _symbol(self, step, backend: str) -> Any:
        return array(self.symbols[step.index], backend)

    def _watch(self) -> None:
        """Record what passes between the context networks, by wrapping the methods of this one instance."""
        context, m = self.model.context, self.model.config.latent_channels
        predict, synthesis = context.predict, self.model.h_s

        def watched_predict(step, state: State):
            if step.index:
                self.record(f"ctx{step.index:02d}", np.concatenate([numpy(state.context), numpy(state.latent)], 1))
            out = predict(step, state)
            self.record(f"scales{step.index:02d}", out[:, :m])
            self.record(f"means{step.index:02d}", out[:, m:])
            return out

        def watched_synthesis(z_hat):
            out = synthesis(z_hat)
            self.record("params", out)
            hyper = geometry.hyper_at_scale2(out, legacy=True)
            self.record("s2_hyper", geometry.overlay(hyper, 0 * hyper[:, :, ::2, ::2], SCALE1, 2))
            return out

        context.predict = watched_predict
        self.model.hyper_synthesise = lambda z: watched_synthesis(z + self.model.means_hyper)

    def _unwatch(self) -> None:
        del self.model.context.predict
        del self.model.hyper_synthesise


def check_tensors(run: Run, case: Any, tolerance: float) -> None:
    """Stored samples within `tolerance`, sums of absolute values within a corresponding relative distance."""
    names = sorted(key[:-2] for key in case if key.endswith(".s"))
    assert set(names) == set(run.tensors)
    for name in names:
        t, samples = run.tensors[name], case[name + ".s"]
        assert t.shape == tuple(case[name + ".shape"]), name
        places = np.arange(len(samples)) * t.size // len(samples)
        assert np.abs(t.reshape(-1)[places] - samples).max() <= tolerance, name
        total = np.abs(t.astype(np.float64)).sum()
        assert abs(total / case[name + ".sum"][1] - 1) <= tolerance / 10, name


def check_symbols(run: Run, case: Any) -> None:
    """All symbols exactly, and each step's elements where the official masks have them."""
    assert np.array_equal(run.z_symbols[0], case["z_sym"])
    for step in run.model.schedule:
        assert np.array_equal(run.symbols[step.index][0], case[f"sym{step.index:02d}"]), step
        _, h, w = case[f"sym{step.index:02d}"].shape
        tile = np.array(step.pattern.groups)
        groups = np.tile(tile, (h // len(tile), w // len(tile)))
        mask = groups[None] == np.arange(step.pattern.count)[:, None, None]
        assert np.array_equal(mask, case[f"mask{step.index:02d}"]), step


def check_indexes(run: Run, case: Any) -> int:
    """Scale indexes by the official table; one may be off by one where the scale nearly equals a table value.

    Returns how many were.
    """
    thresholds = np.load(DATA / "cdf.npz")["scale_table"][:59].astype(np.float64)
    off = 0
    for index, scale in run.scales.items():
        found, expected = np.searchsorted(thresholds, scale[0]), case[f"idx{index:02d}"].astype(int)
        for place in zip(*np.nonzero(found != expected), strict=True):
            assert abs(found[place] - expected[place]) == 1
            assert np.abs(scale[0][place] / thresholds - 1).min() < 1e-5
            off += 1
    return off


def bits(symbols: np.ndarray, scale: np.ndarray) -> float:
    """Information of symbols under the generalised Gaussian with exponent 1.5, likelihood at least 1e-9."""
    torch = pytest.importorskip("torch")
    q, alpha = torch.from_numpy(symbols.astype(np.float64)), torch.from_numpy(scale.astype(np.float64)).clamp(min=0.12)
    shape = torch.tensor(1 / 1.5, dtype=torch.float64)

    def cumulative(v):
        return 0.5 * (1 + v.sign() * torch.special.gammainc(shape, v.abs() ** 1.5))

    p = cumulative((q + 0.5) / alpha) - cumulative((q - 0.5) / alpha)
    return float(-p.clamp(min=1e-9).log2().sum())


def check_bits(run: Run, case: Any) -> None:
    y = sum(bits(symbols, run.scales[index]) for index, symbols in run.symbols.items())
    z_scale = np.broadcast_to(numpy(run.model.scales_hyper), run.z_symbols.shape)
    assert [y, bits(run.z_symbols, z_scale)] == pytest.approx(list(case["bits"]), rel=1e-6)
