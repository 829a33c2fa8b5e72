"""A training run: from a start or a checkpoint through steps to the next checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.errors import InputError, OutputError, UsageError
from hpcmcodec.models.config import from_dict, to_dict
from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.nn.torch_model import TorchModel

from . import checkpoint
from .about import describe
from .config import RunConfig
from .data import Crops, Pictures, load_pictures
from .environment import device_of, torch_threads
from .evaluate import evaluate, summary, validation_crops
from .initial import Start, from_model
from .loss import Outcome, rate_distortion, stratified
from .metrics import Interval, Metrics
from .optimizer import Average, clipped_norm, make_optimizer, schedule, set_rates
from .start import from_statistics, preset
from .stopping import StopRequest

_MOST_SKIPS = 50
"""Steps in a row without a finite gradient after which a run gives up."""
_START_BATCH = 1 << 40
"""A number of a batch that no step reaches."""


def train(config: RunConfig, show: Callable[[str], None] = print) -> dict[str, Any]:
    """Train until the budget, the chunk or a signal ends it; returns the last line of metrics.

    Ctrl-C and SIGTERM let the step finish and save a checkpoint before they take effect. Raises HpcmError: unusable
    data, a folder of another run, a full disk.
    """
    with torch_threads(config.threads):
        run = Run(config, show)
        with StopRequest() as stop:
            last = run.go(stop)
    stop.deliver()
    return last


class Run:
    """Everything that a step needs, and what a checkpoint holds of it."""

    def __init__(self, config: RunConfig, show: Callable[[str], None]) -> None:
        self.began = time.monotonic()
        self.config, self.device = config, device_of(config.device)
        saved = _find_checkpoint(config)
        pictures = load_pictures(config.data, config.cache or config.out)
        self.crops = Crops(pictures, config.patch_size, config.reduce, config.seed)
        self.valid = None if config.valid is None else validation_crops(config.valid).to(self.device)
        network_config, arrays = self._begin(saved, pictures)
        self.network = Lite(network_config)
        self.model = TorchModel(self.network, arrays).to(self.device)
        self.parameters: dict[str, Tensor] = {k.replace("/", "."): v for k, v in self.model.named_parameters()}
        self.optimizer = make_optimizer(self.parameters, config)
        self.average = Average(self.parameters, config.ema)
        if saved:
            self._restore(saved)
        self.metrics = Metrics(config.out, show, step=self.step)
        self.first_step = self.step
        self.generator = torch.Generator(self.device)
        self._skipped = 0

    def _begin(self, saved: dict[str, Any] | None, pictures: Pictures) -> tuple[LiteConfig, dict[str, Any]]:
        """Config and arrays to start from; sets step, seconds, validation and what is told of the run."""
        if saved is None:
            start = self._start()
            self.step, self.seconds = 0, 0.0
            self.validation: dict[str, Any] = {}
            self.about = {"start": start.about, **describe(self.config, pictures)}
            return start.config, start.arrays
        network_config = from_dict(LiteConfig, saved["network"])
        wanted = self.config.preset and preset(self.config.preset)
        wanted = wanted or (self.config.init and from_model(self.config.init).config)
        if wanted and wanted != network_config:
            chosen = self.config.preset or self.config.init
            raise UsageError(f"{self.config.out} is a run of another network than {chosen}")
        self.step, self.seconds, self.validation = saved["step"], saved["seconds"], saved["validation"]
        self.about = {**saved["about"], **describe(self.config, pictures)}
        return network_config, saved["weights"]

    def _start(self) -> Start:
        if self.config.init:
            return from_model(self.config.init)
        network_config = preset(self.config.preset or "lite")
        crops = self.crops.batch(_START_BATCH, self.config.start_crops)
        return from_statistics(network_config, crops, self.config.seed, self.device)

    def _restore(self, saved: dict[str, Any]) -> None:
        rates = [group["base"] for group in self.optimizer.param_groups]
        try:
            self.optimizer.load_state_dict(saved["optimizer"])
        except ValueError as error:
            raise UsageError(f"{self.config.out} was trained with another --freeze ({error})") from error
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["base"] = rate  # the command line's, not the checkpoint's
        self.average.tensors = {k: saved["average"][k].to(self.device) for k in self.average.tensors}

    # ------------------------------------------------------------------------------------------ the loop
    def go(self, stop: StopRequest) -> dict[str, Any]:
        """Steps until something ends them, with metrics, validations and checkpoints in between."""
        config, saved_at = self.config, time.monotonic()
        seen = Interval(self.seconds)
        last: dict[str, Any] = {"step": self.step, "seconds": round(self.seconds, 1)}
        if self.step == 0:
            self._validate()
        next_validation = self._next_validation()
        with ThreadPoolExecutor(1) as worker:
            ahead = worker.submit(self.crops.batch, self.step, config.batch_size)
            while not (stop.wanted or self._done() >= 1 or self._chunk_is_over()):
                clock = time.monotonic()
                crops = ahead.result()
                ahead = worker.submit(self.crops.batch, self.step + 1, config.batch_size)
                seen.add(*self._advance(torch.from_numpy(crops).to(self.device)))
                self.seconds += time.monotonic() - clock
                if self.step % config.log_every == 0:
                    last = self._log(seen)
                    seen = Interval(self.seconds)
                if self.seconds >= next_validation:
                    self._validate()
                    next_validation = self._next_validation()
                if time.monotonic() - saved_at >= config.save_every:
                    self.save()
                    saved_at = time.monotonic()
        if not seen.empty:
            last = self._log(seen)
        if self._done() >= 1:
            self._validate()
        self.save()
        return last

    def _chunk_is_over(self) -> bool:
        """Never before a first step: repeated calls must get on."""
        if self.config.chunk is None or self.step == self.first_step:
            return False
        return time.monotonic() - self.began >= self.config.chunk

    def _done(self) -> float:
        """Share of the budget that is used up, by steps or by time, whichever is further."""
        by_steps = self.step / self.config.steps if self.config.steps else 0.0
        by_time = self.seconds / self.config.time_budget if self.config.time_budget else 0.0
        return max(by_steps, by_time)

    def _advance(self, crops: Tensor) -> tuple[Outcome, float]:
        """One step of the optimiser. Noise and qualities depend on seed and step alone."""
        self.generator.manual_seed(_mixed(self.config.seed, self.step))
        set_rates(self.optimizer, schedule(self.step, self._done(), self.config))
        quality = stratified(len(crops), self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        outcome = rate_distortion(
            self.network, crops.float() / 255, quality, rdo=self.config.rdo, generator=self.generator
        )
        outcome.yardstick.mean().backward()
        norm = clipped_norm(self.parameters.values(), self.config.clip)
        self._step_if_finite(norm)
        self.step += 1
        return outcome, norm

    def _step_if_finite(self, norm: float) -> None:
        if np.isfinite(norm):
            self._skipped = 0
            self.optimizer.step()
            self.average.update(self.parameters, self.step + 1)
            return
        self._skipped += 1
        if self._skipped == _MOST_SKIPS:
            raise UsageError(
                f"no finite gradient in {_MOST_SKIPS} steps before step {self.step}: lower the learning rates and go on"
                " from the last checkpoint with --resume"
            )

    # ------------------------------------------------------------------------------------------ outputs
    def _log(self, seen: Interval) -> dict[str, Any]:
        line = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            **seen.summary(self.seconds, self.config.patch_size**2),
        }
        self.metrics.add(**line)
        return line

    def _validate(self) -> None:
        if self.valid is None:
            return
        with _weights_of(self.parameters, self.average):
            found = summary(evaluate(self.network, self.valid, rdo=self.config.rdo))
        self.validation = {"step": self.step, **found}
        self.metrics.add(step=self.step, seconds=round(self.seconds, 1), valid=found)

    def _next_validation(self) -> float:
        every = self.config.valid_every
        return (self.seconds // every + 1) * every if every else float("inf")

    def save(self) -> None:
        """Write the checkpoint. Raises OutputError."""
        content = {
            "network": to_dict(self.network.config),
            "weights": {name: tensor.detach() for name, tensor in self.model.tensors().items()},
            "average": self.average.tensors,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "about": self.about,
            "validation": self.validation,
        }
        checkpoint.save(self.config.out, content)


@contextmanager
def _weights_of(parameters: dict[str, Tensor], average: Average) -> Iterator[None]:
    """The network with its averaged weights."""
    raw = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    try:
        _assign(parameters, average.tensors)
        yield
    finally:
        _assign(parameters, raw)


@torch.no_grad()
def _assign(parameters: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(values[name])


def _mixed(seed: int, step: int) -> int:
    """A seed of its own for every step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _find_checkpoint(config: RunConfig) -> dict[str, Any] | None:
    """The checkpoint to go on from, None for a new run. Makes the run's folder."""
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {config.out}: {error.strerror or error}") from error
    if not checkpoint.path_in(config.out).exists():
        return None
    if not config.resume:
        raise UsageError(f"{config.out} holds a run already: go on with --resume, or choose another --out")
    saved = checkpoint.load(config.out)
    if saved["network"].get("family") != LiteConfig.family:
        raise InputError(f"{config.out} is a run of family {saved['network'].get('family')}, not lite")
    return saved
