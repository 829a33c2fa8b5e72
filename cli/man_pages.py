"""Manual pages, made from the commands themselves, so that they cannot tell anything else than --help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from hpcmcodec import __version__


def pages(root: click.Group, name: str) -> Iterator[tuple[str, str]]:
    """(file name, roff text) of the page of a group and of every command in it, commands of inner groups included."""
    yield f"{name}.1", page(root, name)
    context = click.Context(root, info_name=name)
    for inner in root.list_commands(context):
        command = root.get_command(context, inner)
        if isinstance(command, click.Group):
            yield from pages(command, f"{name}-{inner}")
        elif command is not None:
            yield f"{name}-{inner}.1", page(command, f"{name}-{inner}")


def page(command: click.Command, name: str) -> str:
    """One manual page, section 1. `name` has hyphens where the command line has spaces."""
    context = click.Context(command, info_name=name.replace("-", " "))
    summary, chapters = _chapters(command.help or "")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f'.TH "{name.upper()}" "1" "" "hpcmcodec {__version__}" "hpcm"',
        ".SH NAME",
        f"{_text(name)} \\- {_text(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f"\\fB{_text(context.command_path)}\\fR {_text(usage)}",
    ]
    records = [param.get_help_record(context) for param in command.get_params(context)]
    options = [("OPTIONS", _definitions([record for record in records if record and record[1]]))]
    commands = [("COMMANDS", _commands(command, context))]
    _, epilogue = _chapters(command.epilog or "")
    for title, body in [*chapters[:1], *options, *commands, *chapters[1:], *epilogue]:
        lines += [f".SH {title}", *body] if body else []
    first = name.split("-", maxsplit=1)[0]
    if name != first:
        lines += [".SH SEE ALSO", f"\\fB{first}\\fR(1)"]
    return "\n".join(lines) + "\n"


def _commands(command: click.Command, context: click.Context) -> list[str]:
    if not isinstance(command, click.Group):
        return []
    found = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return _definitions([(name, _chapters(inner.help or "")[0]) for name, inner in found if inner])


def _chapters(text: str) -> tuple[str, list[tuple[str, list[str]]]]:
    """A help text in click's notation -> its first sentence, and [(title, roff lines)], the description first.

    A paragraph after a backspace keeps its lines; where its first line ends in a colon, it is a chapter of its own.
    """
    paragraphs = [part for part in re.split(r"\n\s*\n", text.replace("\f", "").strip()) if part.strip()]
    summary = " ".join(re.sub(r"\x08\n?", "", paragraphs[0]).split()) if paragraphs else ""
    description: list[str] = []
    chapters = [("DESCRIPTION", description)]
    for paragraph in paragraphs:
        lines = paragraph.strip("\n").splitlines()
        if lines[0].strip() != "\b":
            description += [".PP", _text(" ".join(paragraph.split()))]
        elif lines[1:] and lines[1].rstrip().endswith(":") and lines[2:]:
            chapters.append((lines[1].strip().rstrip(":").upper(), _verbatim(lines[2:])))
        else:
            description += _verbatim(lines[1:])
    return summary.split(". ")[0], [chapter for chapter in chapters if chapter[1]]


def _verbatim(lines: list[str]) -> list[str]:
    return [".PP", ".nf", *(_text(line) for line in lines), ".fi"]


def _definitions(pairs: list[tuple[str, str]]) -> list[str]:
    lines: list[str] = []
    for term, text in pairs:
        lines += [".TP", f"\\fB{_text(term)}\\fR", _text(text)]
    return lines


def _text(text: str) -> str:
    """Plain text for roff: hyphens that can be copied, no line taken for a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
