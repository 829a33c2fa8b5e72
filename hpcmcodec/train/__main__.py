"""`python -m hpcmcodec.train`: the same options as `hpcm train`, in a source tree with nothing but torch around it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hpcmcodec.errors import HpcmError, UsageError

from .config import RunConfig
from .options import described, options, renamed


def parse(arguments: Sequence[str]) -> RunConfig:
    """The run that a command line asks for. Raises UsageError; argparse exits for what it cannot read."""
    parser = argparse.ArgumentParser(prog="hpcmcodec.train", allow_abbrev=False, description="Train a model.")
    for flag, option in options(RunConfig):
        if option.default is False:
            parser.add_argument(flag, action="store_true", help=described(option))
            continue
        if option.metadata["parse"] is None:
            action = argparse.BooleanOptionalAction
            parser.add_argument(flag, action=action, default=argparse.SUPPRESS, help=described(option))
            continue
        parser.add_argument(
            flag,
            type=option.metadata["parse"],
            choices=option.metadata["choices"],
            dest=option.name,
            metavar=option.metadata["metavar"] or None,
            default=argparse.SUPPRESS,
            required=option.name in ("data", "out"),
            help=described(option).replace("%", "%%"),
        )
    try:
        arguments = renamed(arguments)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return RunConfig(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Returns the exit code."""
    try:
        config = parse(sys.argv[1:])
        from .run import train

        train(config, lambda line: print(line, flush=True))
    except HpcmError as error:
        print(f"hpcmcodec.train: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hpcmcodec.train: interrupted; go on with --resume", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
