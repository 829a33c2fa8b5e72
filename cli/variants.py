"""Settings of models' variants as options of `hpcm encode`: choices that a model leaves to the encoder, and a check of
the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

SWITCHES = {
    "skip_s3_for_hf": "The high bands' finest scale in one step.",
    "use_simple_weconv": "The simple kind of WeConv blocks.",
    "use_adaptive_quant": "Steps of the quantiser by hyper parameters.",
    "use_enhanced_context": "The larger networks of checkerboard groups.",
    "lightweight_context": "The small networks of checkerboard groups.",
    "checkerboard_rotate": "Checkerboard groups that rotate with the channel.",
}
"""Boolean fields of configurations, by their names there -> what they mean when on. Defined here because this module
must not load numpy; a test compares them with the configurations."""


def switches(command: F) -> F:
    """`--x/--no-x` for every one of `SWITCHES`, and the number of groups; None where nothing is given."""
    command = click.option(
        "--checkerboard-groups",
        type=click.Choice(("1", "2", "4", "8")),
        callback=lambda context, parameter, value: None if value is None else int(value),
        help="Groups of each pass over the bands. Refused by models that were not trained for it.",
    )(command)
    for name, help in reversed(SWITCHES.items()):
        flag = name.replace("_", "-")
        text = f"{help} Refused by models that were not trained for it."
        command = click.option(f"--{flag}/--no-{flag}", name, default=None, help=text)(command)
    return command


def given(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The settings that a command line has."""
    return tuple((name, value) for name, value in values.items() if value is not None)
