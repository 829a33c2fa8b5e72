"""`hpcm view`."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from hpcmcodec.cli import options
from hpcmcodec.cli.text import echo, shown


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("other", metavar="[OTHER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Port to serve at. Default: any that is free."
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def command(source: Path, other: Path | None, port: int, no_browser: bool) -> None:
    """Look at hpc files in a browser: a gallery, zoom at full size, side by side with originals.

    SOURCE is an hpc file or a folder (all .hpc files in it and below). OTHER is a picture to compare with, or a folder
    where pictures have the same names but for the suffix. The pages are served to this machine alone, at an address
    that nobody can guess, until Ctrl-C.

    \b
    Examples:
      hpcm view photo.hpc
      hpcm view photo.hpc photo.png
      hpcm view archive/ shots/
    """
    options.start_kernels()
    from hpcmcodec.errors import OutputError
    from hpcmcodec.view import Server, Shelf, serve

    shelf = Shelf(source, other)
    try:
        server = Server(shelf, port)
    except OSError as error:
        raise OutputError(f"port {port} cannot be served at: {error.strerror or error}") from None
    pictures = "1 picture" if shelf.listed == 1 else f"{shelf.listed} pictures"
    try:
        echo(f"{shown(source)}: {pictures} at {server.address} (Ctrl-C ends it)")
        if not no_browser:
            webbrowser.open(server.address)
        serve(server)
    except KeyboardInterrupt:
        echo(err=True)
