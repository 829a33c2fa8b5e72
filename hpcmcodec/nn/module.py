"""Modules: trees of named parameters without a framework.

A module declares its parameters in its constructor and gets the arrays later, from `load`. The arrays may be numpy
(native backend) or torch tensors; module code only passes them to `hpcmcodec.nn.operations`. Modules hold parameters
and nothing else: no state survives a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcmcodec.errors import ModelFileError

Array = Any
"""A numpy array or a torch tensor; which one decides the backend."""

Initialiser = Callable[["np.random.Generator", tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class ParameterSpec:
    """Shape and initial values of a parameter. `trained` is False for constants that are saved with the model. `grown`:
    initial values in a network that is added to a trained one, whose results they leave as they are."""

    shape: tuple[int, ...]
    init: Initialiser
    trained: bool = True
    grown: Initialiser | None = None


def constant(value: float) -> Initialiser:
    """All elements equal."""
    return lambda rng, shape: np.full(shape, value, np.float32)


def fan_in_uniform(gain: float = 1.0) -> Initialiser:
    """Uniform within gain / sqrt(fan-in), the fan being all axes but the first (torch's default for convolutions)."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        bound = gain / np.sqrt(max(1, int(np.prod(shape[1:]))))
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    return draw


class Module:
    """Base of all layers and networks. Children are found in attributes, lists and dicts, in order of definition."""

    if TYPE_CHECKING:  # parameters become attributes in `load`

        def __getattr__(self, name: str) -> Any: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def parameter(
        self,
        name: str,
        *shape: int,
        init: Initialiser | None = None,
        trained: bool = True,
        grown: Initialiser | None = None,
    ) -> None:
        """Declare the parameter `name`; its array becomes the attribute of the same name once loaded."""
        specs: dict[str, ParameterSpec] = self.__dict__.setdefault("_specs", {})
        specs[name] = ParameterSpec(shape, init or constant(0.0), trained, grown)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Direct child modules with their names; members of lists and dicts are named `attribute.key`."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple | dict):
                items = value.items() if isinstance(value, dict) else enumerate(value)
                yield from ((f"{name}.{key}", child) for key, child in items if isinstance(child, Module))

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Module, str]]:
        """Every parameter of the tree as (full name, owning module, attribute)."""
        yield from ((prefix + name, self, name) for name in vars(self).get("_specs", {}))
        for name, child in self.children():
            yield from child.walk(f"{prefix}{name}.")

    def specs(self) -> dict[str, ParameterSpec]:
        """Full name -> specification, in order of definition. Allocates nothing."""
        return {full: owner._specs[name] for full, owner, name in self.walk()}

    def initial(self, seed: int = 0, *, grown: bool = False) -> dict[str, np.ndarray]:
        """Freshly initialised float32 arrays for all parameters. `grown`: for parts that join a trained network."""
        rng = np.random.default_rng(seed)
        specs = self.specs().items()
        return {name: ((grown and spec.grown) or spec.init)(rng, spec.shape) for name, spec in specs}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Bind every parameter to its array.

        Raises ModelFileError if a name is missing or unknown, or a shape differs.
        """
        specs = self.specs()
        missing, unknown = sorted(specs.keys() - arrays.keys()), sorted(arrays.keys() - specs.keys())
        if missing or unknown:
            raise ModelFileError(f"the weights do not fit the network: missing {missing[:3]}, unknown {unknown[:3]}")
        for full, owner, name in self.walk():
            array, shape = arrays[full], specs[full].shape
            if tuple(array.shape) != shape:
                raise ModelFileError(f"{full} has shape {tuple(array.shape)}, the network needs {shape}")
            setattr(owner, name, array)

    def arrays(self) -> dict[str, Array]:
        """The arrays bound by `load`, by full name."""
        return {full: getattr(owner, name) for full, owner, name in self.walk()}


class Sequential(Module):
    """Modules applied one after another; children are named 0, 1, ..."""

    def __init__(self, *layers: Module) -> None:
        self.layers = layers

    def children(self) -> Iterator[tuple[str, Module]]:
        yield from ((str(i), layer) for i, layer in enumerate(self.layers))

    def __call__(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer(x)
        return x
