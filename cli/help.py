"""Help texts on narrow terminals: examples keep their lines where these fit, and are wrapped by words where not."""

from __future__ import annotations

import textwrap

import click


class _Formatter(click.HelpFormatter):
    def write_text(self, text: str) -> None:
        width = max(20, self.width - self.current_indent)
        super().write_text("\n\n".join(_wrapped(part, width) for part in text.split("\n\n")))


class Context(click.Context):
    """That of our commands."""

    formatter_class = _Formatter


def wrapping(command: click.Command) -> click.Command:
    """The same command, its help wrapped."""
    command.context_class = Context
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            wrapping(inner)
    return command


def _wrapped(paragraph: str, width: int) -> str:
    """A paragraph whose lines are kept (\\b): those that are too long go on below, indented."""
    lines = paragraph.split("\n")
    if lines[0].strip() != "\b":
        return paragraph
    out = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        fits = len(line) <= width
        out += [line] if fits else textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False)
    return "\n".join(out)
