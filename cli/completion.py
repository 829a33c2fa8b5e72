"""`hpcm completion`."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from hpcmcodec.cli.text import echo

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    With it, the Tab key completes commands, options, their values and file names. `hpcm integrate` puts it where
    shells look by themselves.

    \b
    Examples:
      eval "$(hpcm completion bash)"              in ~/.bashrc (bash 4.4 or newer)
      eval "$(hpcm completion zsh)"               in ~/.zshrc, after compinit
      hpcm completion fish > ~/.config/fish/completions/hpcm.fish
    """
    echo(script(shell), nl=False)


def script(shell: str) -> str:
    """The script that makes a shell of `SHELLS` ask `hpcm` for completions."""
    from hpcmcodec.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not kind.source: for bash that starts one to learn its version.
    text = ShellComplete.source(kind(cli, {}, "hpcm", "_HPCM_COMPLETE")).strip() + "\n"
    return text.replace('string split ","', 'string split -m 1 ","')  # click's script for fish cuts descriptions
