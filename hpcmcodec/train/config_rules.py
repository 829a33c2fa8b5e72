"""Which settings of a run make sense."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hpcmcodec.errors import UsageError

from .options import flag, options

if TYPE_CHECKING:
    from .config import RunConfig

_PATCH_MULTIPLE = 64  # a cell of the hyper-latent; networks may want more
_MS_SSIM_PATCH = 192  # ms_ssim.LEAST_SIDE, rounded up to such a multiple
_POSITIVE = (
    "batch_size",
    "start_crops",
    "log_every",
    "clip",
    "lr",
    "warmup",
    "valid_count",
    "balance_every",
    "lossless",
)
_POSITIVE_IF_GIVEN = (
    "steps",
    "threads",
    "time_budget",
    "chunk",
    "lambda_",
    "split_mb",
    "truncation_steps",
    "cache_latents",
    "distil",
)
_NOT_NEGATIVE: tuple[str, ...] = (
    "lr_fast",
    "lr_linear",
    "rdo",
    "seed",
    "save_every",
    "valid_every",
    "valid_coded",
    "delta",
)
_NOT_NEGATIVE += ("balance_gamma", "balance_lr", "balance_max")
_SHARES = ("reduce", "decay", "ema", "balance_end", "tau_init", "tau_final")


def check(config: RunConfig) -> None:
    """Raises UsageError that names the option and what to do."""
    _check_numbers(config)
    _check_choices(config)
    if config.steps is None and config.time_budget is None:
        raise UsageError("say how long to train: --time-budget 25m, --steps 10000, or both")
    _require("ema", config.ema < 1, "must be below 1")
    if config.patch_size < _PATCH_MULTIPLE or config.patch_size % _PATCH_MULTIPLE:
        raise UsageError(f"--patch-size must be a multiple of {_PATCH_MULTIPLE}, not {config.patch_size}")
    if config.metric == "ms-ssim" and config.patch_size < _MS_SSIM_PATCH:
        raise UsageError(f"--metric ms-ssim has five scales and needs --patch-size {_MS_SSIM_PATCH} or more")
    if config.balance == "famo" and config.lambda_ is None:
        raise UsageError("--balance famo cancels lambda, so it needs one --lambda; use --balance anchored")
    if config.branch is not None and config.init is not None:
        raise UsageError("--branch begins with another run's weights: leave --init out")
    if config.cache_latents and (config.spectral_reg or config.inter_scale_reg or config.balance != "none"):
        raise UsageError("--cache-latents trains the context alone: regularisers and balancing are for whole training")
    if config.distil and not (config.cache_latents and config.init and config.preset):
        raise UsageError("--distil needs --cache-latents, the model to learn from (--init) and a network (--preset)")
    _check_regularisers(config)
    try:
        re.compile(config.freeze or "")
    except re.error as error:
        raise UsageError(f"--freeze {config.freeze!r} is not a regular expression ({error})") from None


def _check_numbers(config: RunConfig) -> None:
    for name in _POSITIVE:
        _require(name, getattr(config, name) > 0, "must be positive")
    for name in _POSITIVE_IF_GIVEN:
        _require(name, getattr(config, name) is None or getattr(config, name) > 0, "must be positive")
    for name in _NOT_NEGATIVE:
        _require(name, getattr(config, name) >= 0, "must not be negative")
    for name in _SHARES:
        _require(name, 0 <= getattr(config, name) <= 1, "must be between 0 and 1")
    for _, rate in config.rates:
        _require("rates", rate >= 0, "must not be negative")


def _check_choices(config: RunConfig) -> None:
    for name, option in options(type(config)):
        choices = option.metadata["choices"]
        if choices and getattr(config, option.name) not in choices:
            raise UsageError(f"{name} must be one of {', '.join(choices)}, not {getattr(config, option.name)!r}")


def _check_regularisers(config: RunConfig) -> None:
    if not config.spectral_reg and not config.inter_scale_reg:
        return
    if not 0 < config.tau_init <= config.tau_final:
        raise UsageError("--tau-init must be above 0 and at most --tau-final")
    if config.tau_final < 1 and not config.allow_final_truncation:
        raise UsageError("--tau-final below 1 truncates to the end; say --allow-final-truncation if that is meant")
    needs_steps = config.spectral_reg or config.inter_scale_start is None
    if needs_steps and config.steps is None and config.truncation_steps is None:
        raise UsageError("say --truncation-steps: without --steps there is no number to take a thirtieth of")


def _require(name: str, fine: bool, rule: str) -> None:
    if not fine:
        raise UsageError(f"{flag(name)} {rule}")
