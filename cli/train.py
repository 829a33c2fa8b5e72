"""`hpcm train`."""

from __future__ import annotations

from typing import Any

import click

from hpcmcodec.cli.train_progress import progress
from hpcmcodec.errors import UsageError
from hpcmcodec.train.config import RunConfig
from hpcmcodec.train.options import described, options, renamed


class _Parsed(click.ParamType):
    """A value that the option's own function reads."""

    def __init__(self, option: Any) -> None:
        self.name, self._parse = option.metadata["metavar"] or option.name, option.metadata["parse"]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _options(command: Any) -> Any:
    kind: dict[str, Any]
    for flag, option in reversed(options(RunConfig)):
        if option.metadata["parse"] is None:
            flag, kind = f"{flag}/--no-{flag[2:]}", {}
        else:
            kind = {"is_flag": True} if option.default is False else {"type": _Parsed(option)}
        required = option.name in ("data", "out")
        default = {} if required else {"default": option.default}
        metavar = option.metadata["metavar"]
        command = click.option(
            flag, option.name, required=required, metavar=metavar, help=described(option), **default, **kind
        )(command)
    return command


class _Renaming(click.Command):
    """Takes other scripts' names of options for ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            args = renamed(args)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return super().parse_args(ctx, args)


@click.command(cls=_Renaming)
@_options
def command(**values: Any) -> None:
    """Train a model: further from a model's weights, or anew, lite from statistics of the pictures.

    RUN gets a checkpoint (last.pt), metrics.jsonl, a plot of them and the decoded pictures. Ctrl-C saves a checkpoint,
    --resume goes on from it. On a terminal a line of progress is shown, elsewhere the metrics.
    Needs torch (pip install 'hpcmcodec[train]'). `hpcm models export RUN -o FILE` makes a model file of the result.

    \b
    Examples:
      hpcm train --data photos/ --out run --init lite-8 --time-budget 25m --valid kodak/
      hpcm train --data photos/ --out new --time-budget 8h
      hpcm train --data photos/ --out run --resume --time-budget 1h
      hpcm train --data photos/ --out base --preset base --lambda 0.013 --steps 100000 --device cuda
      torchrun --nproc-per-node 2 -m hpcmcodec.train --data photos/ --out run --init lite-8.safetensors --steps 9000
    """
    config = RunConfig(**values)
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UsageError("training needs torch: pip install 'hpcmcodec[train]'") from None
    from hpcmcodec.train.run import train

    with progress() as show:
        train(config, show)
