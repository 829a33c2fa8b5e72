"""Everything that the commands print goes through here: names and texts of files cannot do anything to a terminal."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from typing import IO, Any

import click

_ESCAPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (as what turns text around), surrogates, line separators
_JOINERS = "\u200c\u200d"  # harmless, and part of words and emoji

failure: OSError | None = None
"""Why standard output or standard error did not take a line. Work goes on; the command ends with an error then."""

above: Callable[[str], None] | None = None
"""Prints above the bar of progress while there is one."""


def shown(value: object) -> str:
    """A text from outside (a file's name, what a file or a library says) in one line that is safe to print.

    Control characters and bytes that are no text are escaped as in \\x1b.
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_hidden(letter) else letter for letter in text)


def safe(text: str) -> str:
    """Lines of ours in which texts from outside may be: as `shown`, but for line ends and tabs."""
    return "".join(part if part in "\n\t" else shown(part) for part in _split(text))


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Prints lines to standard output or standard error, if it is open. Raises BrokenPipeError only, see `failure`."""
    global failure
    line = safe(str(text))
    try:
        if above is not None and (err or is_terminal(sys.stdout)):
            above(line)
        else:
            click.echo(line, err=err, nl=nl)
    except BrokenPipeError:
        raise
    except OSError as error:
        if not err:
            failure = error


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether a stream is open and somebody sits in front of it."""
    return stream is not None and stream.isatty()


def columns(default: int = 80) -> int:
    """Of the terminal, `default` where standard output goes elsewhere."""
    import shutil

    return shutil.get_terminal_size((default, 24)).columns if is_terminal(sys.stdout) else default


def _is_hidden(letter: str) -> bool:
    return unicodedata.category(letter) in _ESCAPED and letter not in _JOINERS


def _escaped(letter: str) -> str:
    if 0xDC80 <= ord(letter) <= 0xDCFF:  # a byte of a file's name that is no text in the system's encoding
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode() if ord(letter) < 0xD800 or ord(letter) > 0xDFFF else "\\ufffd"


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for line in text.split("\n"):
        for piece in line.split("\t"):
            parts += [piece, "\t"]
        parts[-1] = "\n"
    return parts[:-1]
