"""Where torch computes, and with what settings of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hpcmcodec.errors import UsageError


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """torch with so many threads, and without subnormals, which slow training down many times."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)


def device_of(name: str) -> torch.device:
    """The device of this name. Raises UsageError if there is none."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise UsageError(f"--device {name} cannot be used ({str(error).splitlines()[0]})") from error
    return device
