"""What a run is at a step, and what a checkpoint holds of it: network, optimiser, averages, counters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hpcmcodec.errors import OutputError, UsageError
from hpcmcodec.models.config import to_dict
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.presets import preset, varied
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.nn.torch_model import TorchModel

from . import checkpoint
from .about import describe
from .balance import Balance
from .config import RunConfig
from .curvature import Curvature
from .data import Crops, Pictures
from .environment import memory_format
from .initial import Start, fitted, from_layers, from_model, in_range_of
from .inter_scale import InterScale
from .optimizer import Average, make_optimizer
from .parallel import Processes
from .reanchor import with_range
from .slopes import quality_of, range_of, slope_of

_START_BATCH = 1 << 40
"""A number of a batch that no step reaches."""


class State:
    """Built from a start or from the run's checkpoint."""

    def __init__(self, config: RunConfig, group: Processes, pictures: Pictures, crops: Crops) -> None:
        saved = find_checkpoint(config)
        self.config, self.group, self._branching = config, group, False
        if saved is None and config.branch is not None:
            saved, self._branching = checkpoint.load(config.branch), True
        network_config, arrays = self._begin(saved, pictures, crops)
        self.network = build(network_config)
        self._check_network()
        self.model = TorchModel(self.network, arrays).to(group.device)
        self.model.to(memory_format=memory_format(config))  # type: ignore[call-overload]
        self.parameters: dict[str, Tensor] = {k.replace("/", "."): v for k, v in self.model.named_parameters()}
        self.optimizer = make_optimizer(self.parameters, config)
        self.inter_scale = self._inter_scale()
        self.balance = Balance(
            config.balance,
            gamma=config.balance_gamma,
            rate=config.balance_lr,
            largest=config.balance_max,
            end=config.balance_end,
            every=config.balance_every,
        )
        self.average, self.curvature = Average(self.parameters, config.ema), Curvature()
        self.origin = self.step, self.seconds
        if saved:
            self._restore(saved)

    @property
    def since_origin(self) -> tuple[int, float]:
        """Steps and seconds of this run, without those of the run that it branched from."""
        return self.step - self.origin[0], self.seconds - self.origin[1]

    @property
    def quality(self) -> float | None:
        """The one quality that is trained; None: all of them."""
        slope = self.config.lambda_
        return None if slope is None else quality_of(slope_of(slope, self.config.metric), range_of(self.network))

    # ------------------------------------------------------------------------------------------ beginnings
    def _begin(self, saved: dict[str, Any] | None, pictures: Pictures, crops: Crops) -> tuple[Any, dict[str, Any]]:
        """Config and arrays to start from; sets step, seconds, validation and what is told of the run."""
        if saved is None:
            start = self._start(crops)
            self.step, self.seconds = 0, 0.0
            self.validation: dict[str, Any] = {}
            self.about = {"start": start.about, **describe(self.config, pictures)}
            return start.config, start.arrays
        network_config = config_from_dict(saved["network"])
        own = self.config.init and from_model(self.config.init).config
        wanted = preset(self.config.preset) if self.config.preset else own
        if self.config.network_changes:
            wanted = varied(wanted or network_config, self.config.network_changes)
        if wanted and self.config.range:
            wanted = with_range(Start(wanted, {}, {}), self.config.range).config
        elif own:
            wanted = in_range_of(own, wanted)
        if wanted and wanted != network_config:
            chosen = self.config.preset or self.config.init
            raise UsageError(f"{self.config.out} is a run of another network than {chosen}")
        self.step, self.seconds, self.validation = saved["step"], saved["seconds"], saved["validation"]
        self.about = {**saved["about"], **describe(self.config, pictures)}
        return network_config, saved["weights"]

    def _start(self, crops: Crops) -> Start:
        config = self.config
        wanted = preset(config.preset) if config.preset else None
        if config.init:
            start = from_model(config.init)
            wanted = varied(wanted or start.config, config.network_changes)
            start = fitted(start, wanted, config.seed)
            return with_range(start, config.range) if config.range else start
        network_config = varied(wanted or preset("lite"), config.network_changes)
        if config.range:
            network_config = with_range(Start(network_config, {}, {}), config.range).config
        if not isinstance(network_config, LiteConfig) or config.start == "random" or not self.group.first:
            return from_layers(network_config, config.seed)  # processes take over the first one's weights
        from .start import from_statistics

        chosen = crops.batch(_START_BATCH, config.start_crops)
        with_context = config.start == "statistics"
        return from_statistics(network_config, chosen, config.seed, self.group.device, with_context=with_context)

    def _check_network(self) -> None:
        """Raises UsageError for settings that this network cannot be trained with."""
        config, network = self.config, self.network
        if config.patch_size % network.pad_multiple:
            raise UsageError(f"this network needs a --patch-size that is a multiple of {network.pad_multiple}")
        if network.rate == "fixed" and config.lambda_ is None:
            raise UsageError("this network has one rate: say --lambda, such as 0.0018 .. 0.0483 (MSE)")
        if network.rate == "variable" and self.quality is not None and not -1e-9 <= self.quality <= 1 + 1e-9:
            low, high = range_of(network)
            raise UsageError(f"--lambda is out of this network's range ({low} to {high} for MSE)")
        in_bands = getattr(network.config, "wavelet", False)
        if config.inter_scale_reg and (in_bands or not hasattr(network, "nested")):
            raise UsageError("--inter-scale-reg needs a network with nested scales")

    def _inter_scale(self) -> InterScale | None:
        config, network = self.config, self.network
        if not config.inter_scale_reg or config.delta == 0:
            return None
        start = config.inter_scale_start
        return InterScale(
            network.latent_channels,
            2,
            self.group.device,
            form=config.inter_scale_form,
            start=config.ramp_steps if start is None else start,
            ramp=config.ramp_steps // 10,
            mean=self.group.mean,
        )

    # ------------------------------------------------------------------------------------------ checkpoints
    def _restore(self, saved: dict[str, Any]) -> None:
        if not self._branching:
            self.origin = saved["extras"].get("origin", (0, 0.0))
        self._restore_optimizer(saved)
        self.average.tensors = {k: saved["average"][k].to(self.group.device) for k in self.average.tensors}
        if self.inter_scale and "inter_scale" in saved["extras"]:
            self.inter_scale.load_state_dict(saved["extras"]["inter_scale"])
        if "curvature" in saved["extras"]:
            self.curvature.load_state_dict(saved["extras"]["curvature"])
        if "balance" in saved["extras"]:
            self.balance.load_state_dict(saved["extras"]["balance"])

    def _restore_optimizer(self, saved: dict[str, Any]) -> None:
        """A branch may train other parameters than the run that it comes from, or in another way, and then has no
        moments to begin with."""
        own = [{key: group[key] for key in ("base", "matrices")} for group in self.optimizer.param_groups]
        try:
            self.optimizer.load_state_dict(saved["optimizer"])
        except (ValueError, KeyError) as error:
            if self._branching:
                return
            raise UsageError(
                f"{self.config.out} was trained with another --freeze, --rates or --optimizer ({error})"
            ) from error
        for group, settings in zip(self.optimizer.param_groups, own, strict=True):
            group.update(settings)  # the command line's, not the checkpoint's
        for parameter, kept in self.optimizer.state.items():
            kept.update({k: torch.empty_like(parameter).copy_(v) for k, v in kept.items() if _like(v, parameter)})

    def save(self) -> None:
        """Write the checkpoint. Raises OutputError."""
        if not self.group.first:
            return
        extras: dict[str, Any] = {"balance": self.balance.state_dict(), "curvature": self.curvature.state_dict()}
        extras["origin"] = self.origin
        if self.inter_scale:
            extras["inter_scale"] = self.inter_scale.state_dict()
        content = {
            "network": to_dict(self.network.config),
            "weights": {name: tensor.detach() for name, tensor in self.model.tensors().items()},
            "average": self.average.tensors,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "about": self.about,
            "validation": self.validation,
            "extras": extras,
        }
        split = self.config.split_mb
        checkpoint.save(self.config.out, content, None if split is None else int(split * (1 << 20)))


def _like(value: Any, parameter: Tensor) -> bool:
    """Whether this is a moment of the parameter, which must lie in memory as the parameter does."""
    return isinstance(value, Tensor) and value.shape == parameter.shape and value.ndim > 0


def find_checkpoint(config: RunConfig) -> dict[str, Any] | None:
    """The checkpoint to go on from, None for a new run. Makes the run's folder."""
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {config.out}: {error.strerror or error}") from error
    if not checkpoint.exists(config.out):
        return None
    if not config.resume:
        raise UsageError(f"{config.out} holds a run already: go on with --resume, or choose another --out")
    return checkpoint.load(config.out)
