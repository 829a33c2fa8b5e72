"""`hpcm doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hpcmcodec.cli import options
from hpcmcodec.cli.text import echo, shown

MARKS = {"ok": "ok    ", "note": "note  ", "failed": "FAILED"}


@click.command()
@click.option(
    "--conformance",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Decode the files of this folder and compare with its pixels.json.",
)
@options.as_json
def command(conformance: Path | None, as_json: bool) -> int:
    """Test this installation.

    Shows what was built and is used, runs the arithmetic's self-test at every instruction set of this processor and
    compares with recorded bits, checks the models, and decodes conformance files to recorded pixels. The exit code is 0
    if nothing failed.

    \b
    Examples:
      hpcm doctor
      hpcm doctor --json | jq 'select(.status == "failed")'
      hpcm doctor --conformance tests/conformance
    """
    options.check_memory()
    from hpcmcodec.diagnose import diagnose

    failed = 0
    for check in diagnose(conformance):
        failed += check.status == "failed"
        echo(json.dumps(check.to_dict()) if as_json else f"{MARKS[check.status]} {check.name}: {shown(check.detail)}")
    if not as_json:
        echo(f"{failed} checks failed" if failed else "everything works")
    return min(failed, 1)
