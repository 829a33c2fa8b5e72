"""Imports go downwards only: cli, codec, models and formats, nn and entropy, kernels, errors."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    "errors",
    "progress",
    "forking",
    "ssimulacra2",
    "kernels",
    "entropy",
    "nn",
    "formats",
    "models",
    "codec",
    "train",
    "batch",
    "bench",
]
LAYERS += ["diagnose", "view", "pillow_plugin", "compressai_plugin", "", "cli", "__main__"]
"""From the bottom up; "" is hpcmcodec/__init__.py, which holds the version and loads everything else lazily."""


def modules() -> list[tuple[str, Path]]:
    """(layer, file) of every Python module of the package."""
    found = []
    for folder in ("cli", "formats", "kernels"):
        found += [(folder, path) for path in (ROOT / folder).rglob("*.py")]
    for path in (ROOT / "hpcmcodec").rglob("*.py"):
        parts = path.relative_to(ROOT / "hpcmcodec").parts
        found.append(("" if parts == ("__init__.py",) else parts[0].removesuffix(".py"), path))
    return found


def imports_of(path: Path) -> set[str]:
    """Layers that a module imports at its top level or inside functions, by absolute names."""
    layers = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        layers |= {name.split(".")[1] for name in names if name.startswith("hpcmcodec.") and "__version__" not in name}
    return {layer if layer in LAYERS else "" for layer in layers}  # other names are those of the public API


@pytest.mark.parametrize(("layer", "path"), modules(), ids=lambda v: v.name if isinstance(v, Path) else v)
def test_imports_go_downwards(layer: str, path: Path) -> None:
    if layer == "":
        return  # lazy names, for type checkers only
    above = [other for other in imports_of(path) if LAYERS.index(other) > LAYERS.index(layer)]
    assert not above, f"{path.name} of {layer} imports from {above}"


def test_library_imports_without_torch() -> None:
    code = "import sys, hpcmcodec; hpcmcodec.Decoder, hpcmcodec.encode; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_every_package_is_installed() -> None:
    """A regular install holds what pyproject.toml lists; an editable one finds the rest by luck."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    mapped = {Path(folder): name for name, folder in settings["package-dir"].items()}
    found = set()
    for top, name in mapped.items():
        if top != Path("tests/conformance"):
            folders = {path.parent.relative_to(ROOT / top) for path in (ROOT / top).rglob("__init__.py")}
            found |= {".".join((name, *folder.parts)) for folder in folders}
    assert found | {"hpcmcodec.conformance"} == set(settings["packages"])
