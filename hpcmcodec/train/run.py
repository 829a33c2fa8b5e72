"""A training run: from a start or a checkpoint through steps to the next checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hpcmcodec.errors import UsageError

from .config import RunConfig
from .curvature import EVERY as CURVATURE_EVERY
from .data import Crops, load_pictures
from .environment import torch_settings
from .folder import check_folder
from .loss import Noise, Outcome
from .metrics import Interval, Metrics
from .objective import ContextObjective, Evaluation, Objective
from .optimizer import clipped_norm, schedule, set_rates
from .parallel import Processes, processes
from .plot import plot
from .slopes import stratified
from .spectral import Truncation, truncate
from .state import State
from .stopping import StopRequest
from .validation import Validation

Batch = tuple[Tensor, ...]
"""What a step sees."""
_MOST_SKIPS = 50
"""Steps in a row without a finite gradient after which a run gives up."""


def train(config: RunConfig, show: Callable[[str], None] = print) -> dict[str, Any]:
    """Train until the budget, the chunk or a signal ends it; returns the last line of metrics.

    Ctrl-C and SIGTERM let the step finish and save a checkpoint before they take effect. Raises HpcmError: unusable
    data, a folder of another run, a full disk.
    """
    check_folder(config)
    with torch_settings(config.threads), processes(config.device) as group:
        if config.cache_latents is None:
            run = Run(config, show, group)
        else:
            from .context import ContextRun

            run = ContextRun(config, show, group)
        with StopRequest() as stop:
            last = run.go(stop)
    stop.deliver()
    return last


class Run:
    """The loop and what it needs beside the run's state."""

    def __init__(self, config: RunConfig, show: Callable[[str], None], group: Processes) -> None:
        self.began = time.monotonic()
        self.config, self.group = config, group
        self.share = group.share(config.batch_size)
        if not group.first:
            group.wait()  # the first process decodes the pictures, the others find them done
        pictures = load_pictures(config.data, config.cache or config.out)
        if group.first:
            group.wait()
        self.crops = Crops(pictures, config.patch_size, config.reduce, config.seed, config.lossless)
        self.state = State(config, group, pictures, self.crops)
        self.evaluate = Evaluation(self._objective(), config, group)
        self.valid = Validation(self.state) if config.valid and group.first else None
        self.metrics = Metrics(config.out, show, step=self.state.step) if group.first else None
        self.truncation: Truncation | None = None
        if config.spectral_reg:
            steps = config.ramp_steps
            self.truncation = Truncation(config.tau_init, config.tau_final, steps, config.spectral_target)
        self._skipped = 0
        self._correlation: float | None = None  # of the regulariser, in the last step that had it
        self._last: dict[str, Any] = {"step": self.state.step}
        self._tell_start()
        self._prepare()

    def _objective(self) -> Objective | ContextObjective:
        """What is minimised."""
        noise = Noise(self.group.rank, self.group.world)
        return Objective(self.state.model, self.config, noise, self.state.curvature)

    def _prepare(self) -> None:
        """What is to be done before the first step."""

    def _tell_start(self) -> None:
        start = self.state.about["start"]
        if self.state.step == 0 and ("new" in start or "left_out" in start):
            self._show(start=start)

    # ------------------------------------------------------------------------------------------ the loop
    def go(self, stop: StopRequest) -> dict[str, Any]:
        """Steps until something ends them, with metrics, validations and checkpoints in between."""
        config, state, saved_at = self.config, self.state, time.monotonic()
        seen, over = Interval(state.seconds), stop.wanted
        if state.step == 0:
            self._validate()
        next_validation = self._next_validation()
        with ThreadPoolExecutor(1) as worker:
            ahead = worker.submit(self._batch, state.step)
            while not over and self._done() < 1:
                clock = time.monotonic()
                batch = tuple(
                    torch.from_numpy(part).to(self.group.device, non_blocking=True) for part in ahead.result()
                )
                ahead = worker.submit(self._batch, state.step + 1)
                seen.add(*self._advance(batch))
                state.seconds += time.monotonic() - clock
                if state.step % config.log_every == 0 or state.step == config.distil:  # no line has both losses
                    seen = self._log(seen)
                if state.seconds >= next_validation:
                    self._validate()
                    next_validation = self._next_validation()
                if time.monotonic() - saved_at >= config.save_every:
                    self._save()
                    saved_at = time.monotonic()
                state.seconds, over = self.group.agree(state.seconds, stop.wanted or self._chunk_is_over())
        if not seen.empty:
            self._log(seen)
        if self._done() >= 1:
            self._validate()
        self._save()
        self.group.wait()
        return self._last

    def _batch(self, step: int) -> tuple[np.ndarray, ...]:
        """What a step sees, this process' share of it: crops."""
        return (self.crops.batch(step, self.config.batch_size, self.share),)

    def _chunk_is_over(self) -> bool:
        return self.config.chunk is not None and time.monotonic() - self.began >= self.config.chunk

    def _done(self) -> float:
        """Share of the budget that is used up, by steps or by time, whichever is further."""
        steps, seconds = self.state.since_origin
        by_steps = steps / self.config.steps if self.config.steps else 0.0
        by_time = seconds / self.config.time_budget if self.config.time_budget else 0.0
        return max(by_steps, by_time)

    def _advance(self, batch: Batch) -> tuple[Outcome, float]:
        """One step of the optimiser. Noise and qualities depend on seed and step alone."""
        state, done = self.state, self._done()
        set_rates(state.optimizer, schedule(state.since_origin[0], done, self.config))
        state.optimizer.zero_grad(set_to_none=True)
        outcome = self._outcome(batch)
        parts = torch.stack((outcome.distortion.mean(), outcome.rate.mean()))
        loss = state.balance.combine(parts, done)
        pairs = None
        if state.inter_scale and (weight := state.inter_scale.weight(state.step)):
            pairs = state.network.nested(outcome.latent)
            term = state.inter_scale.term(pairs)
            self._correlation = round(float(term.detach()), 5)
            loss = loss + self.config.delta * weight * term
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clipped_norm(state.parameters.values(), self.config.clip)
        if self._step_if_finite(norm):
            if pairs and state.inter_scale:
                state.inter_scale.learn(pairs)
            if self.config.balance != "none" and state.balance.wanted(state.step, done):
                self._rebalance(batch, parts)
        if self.evaluate.bends and state.step % CURVATURE_EVERY == 0:
            self._measure_curvature(batch, outcome)
        state.step += 1
        return outcome, norm

    def _outcome(self, batch: Batch) -> Outcome:
        """Of a batch at the state's step: the same random numbers each time it is asked."""
        return self.evaluate(*self._inputs(batch))

    def _inputs(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Pictures, qualities and a mask of the latent's spectrum, with a seed of their own at each step."""
        state = self.state
        torch.manual_seed(_mixed(self.config.seed, state.step))
        whole = self._qualities(self.config.batch_size, state.step)
        x, mask = batch[0].float() / 255, None
        if self.truncation is not None and self.truncation.target == "image":
            cut = self.truncation.mask(x, state.step)
            x = x if cut is None else truncate(x, cut)
        elif self.truncation is not None:
            stride = state.network.stride
            mask = self.truncation.mask(x[:, :, ::stride, ::stride], state.step)
        return x, whole[self.share].to(x.device), mask

    def _qualities(self, count: int, step: int) -> Tensor:
        """One for each crop of the whole batch. High ones see what the lossy coding of a crop's source left behind, and
        go to clean crops."""
        state = self.state
        if state.quality is not None:
            return torch.full((count,), state.quality)
        qualities = torch.empty(count)
        qualities[torch.from_numpy(self.crops.by_cleanness(step, count))] = stratified(count).sort().values
        return qualities

    def _measure_curvature(self, batch: Batch, outcome: Outcome) -> None:
        state, (x, quality, _) = self.state, self._inputs(batch)
        state.curvature.update(state.network, x, quality, outcome.analysed, outcome.latent, self.config.metric)
        state.curvature.found = self.group.mean(state.curvature.found)

    def _rebalance(self, batch: Batch, before: Tensor) -> None:
        """Show the balance what the step did to its own batch."""
        with torch.no_grad():
            found = self._outcome(batch)
        after = torch.stack((found.distortion.mean(), found.rate.mean()))
        self.state.balance.update(self.group.mean(before), self.group.mean(after))

    def _step_if_finite(self, norm: float) -> bool:
        if np.isfinite(norm):
            self._skipped = 0
            self.state.optimizer.step()
            self.state.average.update(self.state.parameters, self.state.step + 1)
            return True
        self._skipped += 1
        if self._skipped == _MOST_SKIPS:
            raise UsageError(
                f"no finite gradient in {_MOST_SKIPS} steps before step {self.state.step}: lower the learning rates and"
                " go on from the last checkpoint with --resume"
            )
        return False

    # ------------------------------------------------------------------------------------------ outputs
    def _log(self, seen: Interval) -> Interval:
        """One line of metrics; returns the next interval."""
        state, config = self.state, self.config
        found = seen.summary(state.seconds, config.patch_size**2 * self.group.world, self.group.mean)
        found = self._named(found, state.step - 1)
        if config.balance != "none":
            found["balance"] = [round(w, 5) for w in state.balance.w.tolist()]
        if self._correlation is not None:
            found["inter_scale"] = self._correlation
        if state.inter_scale and state.inter_scale.skipped:
            found["inter_scale_skipped"] = state.inter_scale.skipped
        self._last = self._show(**found, done=round(self._done(), 5))
        return Interval(state.seconds)

    def _named(self, found: dict[str, Any], step: int) -> dict[str, Any]:
        """The means up to a step under names that say what they are of."""
        if self.truncation is None or (tau := self.truncation.tau(step)) >= 1:
            return found
        found["tau"] = round(tau, 5)
        if self.truncation.target == "image":
            found = {f"{name}_truncated" if name in ("loss", "mse") else name: v for name, v in found.items()}
        return found

    def _show(self, **values: Any) -> dict[str, Any]:
        line = {"step": self.state.step, "seconds": round(self.state.seconds, 1), **values}
        if self.metrics is not None:
            self.metrics.add(**line)
        return line

    def _save(self) -> None:
        self.state.save()
        if self.metrics is not None:
            plot(self.config.out)

    def _validate(self) -> None:
        if self.valid is None:
            return
        found = self.valid.measure()
        self.state.validation = {"step": self.state.step, **found}
        self._show(valid=found)

    def _next_validation(self) -> float:
        every = self.config.valid_every
        return (self.state.seconds // every + 1) * every if every else float("inf")


def _mixed(seed: int, step: int) -> int:
    """A seed of its own for every step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
