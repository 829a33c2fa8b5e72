"""`hpcm integrate`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click

from hpcmcodec.cli.completion import SHELLS, script
from hpcmcodec.cli.man_pages import pages
from hpcmcodec.cli.text import echo, shown
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.atomic import atomic_write, make_folder
from hpcmcodec.formats.paths import keep_sources

COMPLETIONS = {
    "bash": "bash-completion/completions/hpcm",
    "zsh": "zsh/site-functions/_hpcm",
    "fish": "fish/vendor_completions.d/hpcm.fish",
}
DESKTOP = {
    "hpcm.xml": "mime/packages/hpcm.xml",
    "hpcm.thumbnailer": "thumbnailers/hpcm.thumbnailer",
    "hpcm.magic": "file/magic.d/hpcm.magic",
}
"""File of this package -> where it goes below share/."""


@click.command()
@click.option(
    "--prefix",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write below FOLDER/share. Default: ~/.local; packagers give their staging folder's usr.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, write nothing.")
@click.option("--remove", is_flag=True, help="Take away what an earlier run wrote.")
def command(prefix: Path | None, dry_run: bool, remove: bool) -> None:
    """Make hpcm known to shells, man and the desktop.

    Writes completion scripts for bash, zsh and fish, manual pages, the type image/x-hpc, a thumbnailer, and a magic
    file for file(1). Files are replaced. File managers show thumbnails where /usr/share or ~/.local/share is
    searched for thumbnailers; zsh needs the folder in its fpath.

    \b
    Examples:
      hpcm integrate                          for this user
      hpcm integrate --dry-run                only list the files
      hpcm integrate --prefix debian/hpcm/usr
      file -m ~/.local/share/file/magic.d/hpcm.magic photo.hpc
    """
    if prefix is None and sys.platform == "win32":
        raise UsageError("Windows has no folders for these files; --prefix FOLDER writes them all the same")
    share = (prefix or Path.home() / ".local") / "share"
    for name, text in files():
        path = share / name
        if remove and not path.exists():
            continue
        echo(shown(path))
        if dry_run:
            continue
        if remove:
            keep_sources(path, _own_files())
            path.unlink()
        else:
            make_folder(path.parent)
            keep_sources(path, _own_files())
            atomic_write(path, text.encode())
    if prefix is None and not dry_run:
        _update_mime(share)


def files() -> Iterator[tuple[str, str]]:
    """(path below share/, content) of everything that is written."""
    from hpcmcodec.cli.main import cli

    for shell in SHELLS:
        yield COMPLETIONS[shell], script(shell)
    for name, text in pages(cli, "hpcm"):
        yield f"man/man1/{name}", text
    folder = resources.files("hpcmcodec.cli") / "desktop"
    for name, place in DESKTOP.items():
        yield place, (folder / name).read_text(encoding="utf-8")


def _own_files() -> list[Path]:
    """Files of the package: a folder of the user may be a link to where it is."""
    folder = resources.files("hpcmcodec.cli") / "desktop"
    return [Path(str(folder / name)) for name in DESKTOP]


def _update_mime(share: Path) -> None:
    """Tells the desktop of the new type, where there is one."""
    program = shutil.which("update-mime-database")
    if program is not None:
        subprocess.run([program, str(share.absolute() / "mime")], check=False, capture_output=True, cwd=share)
