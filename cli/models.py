"""`hpcm models`: list, show, install, remove, import, export, calibrate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from hpcmcodec.batch import Place
from hpcmcodec.cli import options
from hpcmcodec.cli.report import human_bytes
from hpcmcodec.cli.text import columns, echo, shown
from hpcmcodec.errors import OutputError, UsageError

if TYPE_CHECKING:
    from hpcmcodec.formats.model_file import Summary


CALIBRATION = 40
"""Pictures that a trellis is fitted to."""


@click.group()
def command() -> None:
    """List, show, install, import and export models.

    A model is a .safetensors file in a folder of $HPCM_MODELS, in the user's data folder, or in the package. A file
    can be decoded only with the model that made it.
    """
    options.check_memory()


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the models that are installed, in the order in which they are found.

    rate and decode: bytes at equal PSNR, as measured, and multiply-adds of decoding, against the model that each was
    compared with; hpcm models show tells how.

    \b
    Examples:
      hpcm models list
      HPCM_MODELS=~/experiments hpcm models list --json
    """
    from hpcmcodec.models import store

    models = store.list_models()
    if as_json:
        for model in models:
            echo(json.dumps(_to_dict(model)))
        return
    if not models:
        echo("no models installed; looked in:")
        echo("\n".join(f"  {shown(folder)}" for folder in store.folders()))
        return
    default = store.default_path()
    rows = [("name", "family", "parameters", "size", "rate", "decode", "identity", "file")]
    rows += [
        (
            shown(model.name) + (" (default)" if model.path == default else ""),
            shown(model.config.get("family", "?")),
            f"{model.parameters / 1e6:.2f} M",
            human_bytes(model.size),
            *_compared(model.measured),
            model.identity[:8].hex(),
            shown(model.path),
        )
        for model in models
    ]
    echo("\n".join(_table(rows, columns(10000))))


def _compared(measured: dict[str, Any]) -> tuple[str, str]:
    """Rate and cost of decoding against another model, as `benchmarks/context_trials.py --ship` notes them."""
    against = measured.get("against")
    if not isinstance(against, dict):
        return "-", "-"
    rate, time = against.get("rate"), against.get("decode")
    return (
        f"{rate:+.2f} %" if isinstance(rate, int | float) else "-",
        f"{time:.2f}" if isinstance(time, int | float) else "-",
    )


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Lines of a table; where they do not fit into the width, a block of lines for each row."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    if sum(widths) + 2 * len(widths) - 2 <= width:
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    head, *rest = rows
    lines = []
    for row in rest:
        lines += [row[0], *(f"  {name:11}{cell}" for name, cell in zip(head[1:], row[1:], strict=True))]
    return lines


@command.command()
@click.argument("model", metavar="[NAME|FILE]", required=False)
@options.as_json
def show(model: str | None, as_json: bool) -> None:
    """Show what is known about a model: network, where it comes from, what was measured.

    The whole file is read and its content hash checked.

    \b
    Examples:
      hpcm models show
      hpcm models show base-0.013 --json
    """
    from hpcmcodec.models import store

    file = store.find(model)
    file.verify()
    found = _to_dict(file)
    if as_json:
        echo(json.dumps(found))
        return
    for name, value in found.items():
        if not isinstance(value, dict):
            echo(f"{name:12}{shown(value)}")
            continue
        echo(name)
        for key, item in value.items():
            echo(f"  {shown(key):22}{shown(item) if isinstance(item, str) else json.dumps(item)}")


@command.command("import")
@click.argument("checkpoint", metavar="CHECKPOINT", type=click.Path(path_type=Path))
@click.option(
    "--preset",
    metavar="NAME",
    help="Network that the checkpoint should hold: base, large, phi or 1b. Default: what it holds.",
)
@click.option(
    "--name", metavar="NAME", help="Name of the model. Default: the network's and the lambda in the file name."
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where to put the model. Default: the user's models.",
)
@click.option("-f", "--force", is_flag=True, help="Replace a model of this name.")
@options.as_json
def import_(
    checkpoint: Path, preset: str | None, name: str | None, output: Path | None, force: bool, as_json: bool
) -> None:
    """Turn an official HPCM checkpoint into a model file. Needs torch (pip install 'hpcmcodec[train]').

    \b
    Examples:
      hpcm models import HPCM_Base_0.013.pth.tar
      hpcm models import ckpt.pth.tar --preset base --name base-0.013
    """
    from hpcmcodec.models.official import import_checkpoint

    model = import_checkpoint(checkpoint, preset, name, folder=output, force=force)
    if as_json:
        echo(json.dumps(_to_dict(model)))
    else:
        echo(
            f"{shown(checkpoint)} -> {shown(model.path)}  {model.name}"
            f"  {model.parameters / 1e6:.2f} M parameters  {human_bytes(model.size)}"
        )


@command.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Model file to write."
)
@click.option("--name", metavar="NAME", help="Name of the model. Default: the file's.")
@click.option(
    "--base",
    metavar="NAME|FILE",
    help="Write an adapter: only what differs from this model, which users of it need too.",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of typical pictures to fit a trellis to, as hpcm models calibrate does; for runs with --trellis.",
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@options.as_json
def export(
    run: Path, output: Path, name: str | None, base: str | None, data: Path | None, force: bool, as_json: bool
) -> None:
    """Make a model file of a training run. Needs torch (pip install 'hpcmcodec[train]').

    \b
    Examples:
      hpcm models export run -o mine.safetensors
      hpcm models export run -o mine.safetensors --data photos
      hpcm models export run -o small.safetensors --base lite-8 --data photos
      hpcm encode photo.png --model mine.safetensors
    """
    from hpcmcodec.formats import model_file
    from hpcmcodec.formats.paths import keep_sources

    keep_sources(output, [run, *run.glob("*")])
    try:
        from hpcmcodec.train.export import export_run
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UsageError("reading a run needs torch: pip install 'hpcmcodec[train]'") from None
    if data is None:
        export_run(run, output, name, base=base, force=force)
    else:
        _free(output, force)
        with TemporaryDirectory() as folder:
            plain = Path(folder) / "plain.safetensors"
            export_run(run, plain, base=base)
            _calibrate(plain, data, output, name, CALIBRATION)
    model = model_file.peek(output)
    if as_json:
        echo(json.dumps(_to_dict(model)))
        return
    echo(
        f"{shown(run)} -> {shown(output)}  {shown(model.name)}"
        f"  {model.provenance['steps']} steps  {human_bytes(model.size)}"
    )
    if data is None and model.provenance.get("settings", {}).get("trellis"):
        echo(
            "hpcm: it was trained for a trellis and has none yet: its files are larger than need be; export it"
            " with --data PICTURES, or run hpcm models calibrate",
            err=True,
        )


@command.command()
@click.argument("source", metavar="FILE|URL", type=options.PlaceType())
@click.option("-f", "--force", is_flag=True, help="Replace another model of the same name.")
@options.as_json
def install(source: Place, force: bool, as_json: bool) -> None:
    """Put a model file into the folder of your own models, under the name that it has.

    The whole file is checked first. From then on hpcm encode --model NAME and decoding find it, as they find models in
    folders that $HPCM_MODELS names (several with : between them), which are searched first.

    \b
    Examples:
      hpcm models install mine.safetensors
      hpcm models install https://example.org/lite-multiref.safetensors
    """
    from hpcmcodec.batch.reading import read_bytes
    from hpcmcodec.models.installing import install

    model, new = install(read_bytes(source), force=force)
    if as_json:
        echo(json.dumps(_to_dict(model) | {"installed": new}))
    else:
        echo(f"{shown(model.name)}: {'installed as' if new else 'was there already,'} {shown(model.path)}")


@command.command()
@click.argument("name", metavar="NAME")
@click.option("-f", "--force", is_flag=True, help="Even though other models build on it.")
def remove(name: str, force: bool) -> None:
    """Delete one of your own models. Pictures that were encoded with it cannot be decoded without it.

    \b
    Examples:
      hpcm models remove mine
    """
    from hpcmcodec.models.installing import remove

    echo(f"removed {shown(remove(name, force=force))}")


@command.command()
@click.argument("model", metavar="NAME|FILE")
@click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder of typical pictures."
)
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Model file to write."
)
@click.option("--name", metavar="NAME", help="Name of the new model. Default: the file's.")
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(1, 1000),
    default=CALIBRATION,
    show_default=True,
    help="Pictures to use.",
)
@click.option("-f", "--force", is_flag=True, help="Replace an existing file.")
@options.as_json
def calibrate(model: str, data: Path, output: Path, name: str | None, count: int, force: bool, as_json: bool) -> None:
    """Give a trained model trellis-coded quantisation: the same weights, files 7 % smaller.

    What its symbols stand for and how often they come is fitted to the middle of COUNT pictures, evenly picked from
    DIR; a minute or two. It is a model of its own: files of the one can't be decoded with the other.

    \b
    Examples:
      hpcm models export run -o plain.safetensors
      hpcm models calibrate plain.safetensors --data photos -o mine.safetensors
      hpcm encode photo.png --model mine.safetensors
    """
    from hpcmcodec.formats import model_file

    _free(output, force)
    _calibrate(model, data, output, name, count)
    made = model_file.peek(output)
    if as_json:
        echo(json.dumps(_to_dict(made)))
    else:
        echo(f"{shown(model)} -> {shown(output)}  {shown(made.name)}  {human_bytes(made.size)}")


def _free(output: Path, force: bool) -> None:
    if output.exists() and not force:
        raise OutputError(f"{output} exists; use --force to replace it")


def _calibrate(model: str | Path, data: Path, output: Path, name: str | None, count: int) -> None:
    """A trellis for a model, fitted to evenly picked pictures of a folder."""
    from hpcmcodec.codec.calibrate import calibrate
    from hpcmcodec.formats.paths import keep_sources
    from hpcmcodec.formats.pictures import read_picture
    from hpcmcodec.models import store
    from hpcmcodec.train.data import find_pictures

    paths = find_pictures(data)
    keep_sources(output, [store.path_of(model), *paths])
    picked = [paths[i * len(paths) // count] for i in range(count)] if len(paths) > count else paths
    calibrate(model, map(read_picture, picked), output, name or output.stem)


def _to_dict(model: Summary) -> dict[str, Any]:
    return {
        "name": model.name,
        "identity": model.identity.hex(),
        "file": str(model.path),
        "size": model.size,
        "base": model.base.hex() if model.base else None,
        "parameters": model.parameters,
        "config": model.config,
        "distribution": model.distribution,
        "provenance": model.provenance,
        "measured": model.measured,
    }
