"""What the web tests share: the build, models of the variants, a browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

from . import browser

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
DIST = WEB / "dist"


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder web/ with what `make web` makes; without that, tests are skipped."""
    if not (DIST / "hpcm.wasm").exists() or not (WEB / "models").is_dir():
        pytest.skip("needs `make web`")
    return WEB


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node")
    return found


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    if browser.EXECUTABLE is None or util.find_spec("websocket") is None:
        pytest.skip("needs chromium and websocket-client")
    with browser.Browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="session")
def all_models(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models by id: the shipped ones and those of the variants, made from formulas."""
    import sys

    folder, variants = tmp_path_factory.mktemp("by-id"), tmp_path_factory.mktemp("variants")
    source = ROOT / "tests/conformance/variants/variants.py"
    subprocess.run([sys.executable, source, "--models", variants], check=True, env=os.environ)
    shipped = ROOT / "hpcmcodec/weights"
    subprocess.run(
        [sys.executable, WEB / "models.py", folder, variants, shipped], check=True, stdout=subprocess.DEVNULL
    )
    return folder


def has_fma() -> bool:
    """Whether this processor multiplies and adds with one rounding, as far as the system tells."""
    found = Path("/proc/cpuinfo")
    text = found.read_text() if found.exists() else ""
    return " fma " in text or "asimd" in text


def recorded(folder: Path) -> dict[str, str]:
    """What pixels.json of a folder of conformance files says."""
    found: dict[str, str] = json.loads((folder / "pixels.json").read_text())
    return found
