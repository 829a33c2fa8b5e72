"""`hpcm`: the group of commands, and the only place where errors become messages and exit codes.

Commands are imported when they run, so that `hpcm --version` and `hpcm --help` start at once.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from hpcmcodec import __version__, errors
from hpcmcodec.cli import help, text

INTERRUPTED, TERMINATED, BROKEN_PIPE, INTERNAL = 130, 143, 141, 70

COMMANDS = {
    "encode": "Compress pictures into hpc files.",
    "decode": "Turn hpc files back into pictures.",
    "archive": "Store a whole folder and check every file of it.",
    "info": "Show what an hpc file holds.",
    "view": "Look at hpc files in a browser.",
    "verify": "Check that hpc files are whole and decode.",
    "models": "List, show, import and export models.",
    "train": "Train a model on pictures of your own.",
    "bench": "Compare codecs on pictures of your own.",
    "doctor": "Test this installation.",
    "thumbnail": "Make a small PNG of an hpc file.",
    "completion": "Print the completion script of a shell.",
    "integrate": "Install completions, man pages and the file type.",
}

EXAMPLES = """\
\b
Examples:
  hpcm encode photo.png                   photo.png -> photo.hpc
  hpcm encode -q 80 shots/ -o small/      a whole folder, mirrored
  hpcm archive shots/ archive/            every file of it, checked
  hpcm decode photo.hpc -o photo.png
  hpcm COMMAND --help                     options and examples of a command"""


class Commands(click.Group):
    """A group whose commands live in modules of the same name, imported on demand."""

    context_class = help.Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"hpcmcodec.cli.{cmd_name}").command
        return help.wrapping(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_text(EXAMPLES)
        with formatter.section("Exit codes"):
            formatter.write_dl([(f"{code:3}", text) for code, text in sorted(exit_codes().items())])


def exit_codes() -> dict[int, str]:
    """Code -> what it means, made from the error classes."""
    rows = {
        0: "Success.",
        errors.HpcmError.exit_code: "Several files failed in different ways, or a check failed.",
        errors.INCOMPLETE: "A picture was made of a file that was cut off (--allow-truncated).",
        errors.LEFT_OUT: "All went well, but files of kinds that are not read were left out (--ignore-unknown: 0).",
        INTERNAL: "A bug in hpcm.",
        INTERRUPTED: "Interrupted by Ctrl-C (SIGTERM: 143).",
        BROKEN_PIPE: "The reader of standard output went away.",
    }
    for error in errors.HpcmError.__subclasses__():  # under python -OO they have no texts
        rows[error.exit_code] = (error.__doc__ or error.__name__).strip().splitlines()[0]
    return rows


def epilog() -> str:
    """Examples and exit codes, for the manual page."""
    lines = [f"  {code:3}  {text}" for code, text in sorted(exit_codes().items())]
    return EXAMPLES + "\n\n\b\nExit codes:\n" + "\n".join(lines)


def _version(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        text.echo(f"hpcm {__version__}")
        ctx.exit()


@click.command(
    cls=Commands,
    epilog=epilog(),
    # Options may be written with underscores too, as fields of configurations are.
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": lambda t: t.replace("_", "-")},
)
@click.option(
    "-V", "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def cli() -> None:
    """A learned image codec: small files that decode to the same pixels on every machine."""


def main() -> NoReturn:
    """Entry point of the installed command."""
    if "_HPCM_COMPLETE" in os.environ:  # shell completion, which click answers
        cli.main(prog_name="hpcm")
    _occupy_closed_streams()
    signal.signal(signal.SIGTERM, _terminate)
    if sys.stdout is not None:  # files, pipes and terminals may not take all letters of a file's name
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not _debugging():
        _mute_libraries()
    gc.set_threshold(100_000)  # what a command imports and makes mostly stays: looking for garbage took 2 % of a decode
    code = run(sys.argv[1:])
    _leave(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code. Errors become one line on standard error, never a traceback."""
    try:
        _check_arguments(arguments)
        with cli.make_context("hpcm", list(arguments)) as ctx:
            result = cli.invoke(ctx)
        return _written(result if isinstance(result, int) else 0)
    except click.exceptions.Exit as exit:
        return _written(exit.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except _Terminated:
        return _fail("terminated", TERMINATED)
    except BrokenPipeError:
        return BROKEN_PIPE
    except click.exceptions.NoArgsIsHelpError as error:
        text.echo(error.format_message(), err=True)
        return errors.UsageError.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "hpcm"
        return _fail(f"{error.format_message().rstrip('.')}; see {path} --help", errors.UsageError.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except errors.HpcmError as error:
        return _fail(str(error), error.exit_code)
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOSPC:  # files are written elsewhere: this was a help text
            return _fail(f"cannot write to standard output: {error.strerror}", errors.OutputError.exit_code)
        from hpcmcodec.batch.run import from_system

        known = from_system(error, error.filename)
        return _fail(str(known), known.exit_code)
    except ImportError as error:
        if not any(words in str(error) for words in ("failed to map", "annot allocate")):
            return _bug(error)
        return _fail("not enough memory to load a library", errors.LimitExceededError.exit_code)
    except RuntimeError as error:
        if "thread" not in str(error) and "Resource temporarily" not in str(error):
            return _bug(error)
        return _fail(f"the system allows no more threads ({error})", errors.LimitExceededError.exit_code)
    except MemoryError:
        return _fail("not enough memory", errors.LimitExceededError.exit_code)
    except Exception as error:
        return _bug(error)


def _bug(error: Exception) -> int:
    hint = "this is a bug; please report it with what HPCM_DEBUG=1 prints"
    return _fail(f"{type(error).__name__}: {error} ({hint})", INTERNAL)


def _check_arguments(arguments: Sequence[str]) -> None:
    """Raises UsageError for empty ones: an unset variable of a shell would else name the folder that one is in."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if not argument or (argument.startswith("--") and argument.endswith("=")):
            where = f" after {before}" if before and not argument else ""
            raise errors.UsageError(f"an argument{where} is empty: is a variable of the shell unset?")


def _written(code: int) -> int:
    """The same exit code, unless standard output did not take everything."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        text.failure = error
    failure, text.failure = text.failure, None
    if failure is None:
        return code
    reason = f"cannot write to standard output: {failure.strerror or failure}"
    return _fail(reason, errors.OutputError.exit_code) if code == 0 else _fail(reason, code)


def _occupy_closed_streams() -> None:
    """Where a standard stream is closed, the next file to be opened would take its number, and what a library prints
    would go into it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that files in the making are cleaned up."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def _debugging() -> bool:
    return os.environ.get("HPCM_DEBUG") not in (None, "", "0")


def _mute_libraries() -> None:
    """Our messages keep standard error to themselves. Decoders of pictures, libtiff above all, write remarks about
    damaged files to descriptor 2, and Pillow warns in Python's way; what they mean comes as an error that says which
    file it is."""
    warnings.simplefilter("ignore")
    try:
        ours = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="backslashreplace", buffering=1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    except (OSError, AttributeError):  # standard error is closed
        return
    sys.stderr = ours


def _fail(message: str, code: int) -> int:
    if _debugging():
        traceback.print_exc()
    text.echo(f"hpcm: {text.shown(' '.join(message.split()))}", err=True)
    return code


def _leave(code: int) -> NoReturn:
    """Ends the process at once: threads that an interrupt left in the middle of a computation are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or BROKEN_PIPE
    os._exit(code)
