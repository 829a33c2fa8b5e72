"""Several processes under torchrun, each with a share of every batch; one process is the plain case.

Whatever depends on the clock or on signals is decided by all processes together, or they would part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from hpcmcodec.errors import UsageError


@dataclass(frozen=True)
class Processes:
    """This process's place among `world` processes, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's part of a batch. Raises UsageError if it cannot be divided."""
        if count % self.world:
            raise UsageError(f"--batch-size {count} cannot be divided among {self.world} processes")
        own = count // self.world
        return slice(self.rank * own, (self.rank + 1) * own)

    def wrap(self, module: torch.nn.Module, *, uses_all: bool = True) -> torch.nn.Module:
        """The module with gradients averaged over processes, all starting with the first one's weights. `uses_all`:
        every parameter has a gradient in every step."""
        if self.world == 1:
            return module
        return torch.nn.parallel.DistributedDataParallel(module, find_unused_parameters=not uses_all)

    def mean(self, value: Tensor) -> Tensor:
        """Average over processes."""
        if self.world > 1:
            value = value.detach().clone()
            dist.all_reduce(value)
            value /= self.world
        return value

    def agree(self, seconds: float, stop: bool) -> tuple[float, bool]:
        """The first process's time, and whether any process wants to stop."""
        if self.world == 1:
            return seconds, stop
        told = torch.tensor([seconds if self.first else 0.0, float(stop)], dtype=torch.float64, device=self.device)
        dist.all_reduce(told)
        return float(told[0]), bool(told[1] > 0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """The group that torchrun's environment describes. Raises UsageError for a device that cannot be used."""
    rank, world, local = (int(os.environ.get(name, default)) for name, default in _ENVIRONMENT)
    if world > 1 and device == "cuda":
        device = f"cuda:{local}"
    own = device_of(device)
    if world > 1:
        if own.type == "cuda":
            torch.cuda.set_device(own)
        dist.init_process_group("nccl" if own.type == "cuda" else "gloo", rank=rank, world_size=world)
    try:
        yield Processes(rank, world, own)
    finally:
        if world > 1:
            dist.destroy_process_group()


_ENVIRONMENT = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def device_of(name: str) -> torch.device:
    """The device of this name. Raises UsageError if there is none."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise UsageError(f"--device {name} cannot be used ({str(error).splitlines()[0]})") from error
    return device
