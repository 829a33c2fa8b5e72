"""The npm package in Node: its own tests, with both ways to multiply and add, and what `npm pack` packs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import hpcmcodec

from .conftest import ROOT, WEB, recorded

FOLDERS = (ROOT / "tests/conformance", ROOT / "tests/conformance/variants")
RELAXED = "--experimental-wasm-relaxed-simd"


def relaxed_option(node: str) -> list[str]:
    """Node before version 22 has relaxed SIMD behind an option, which later ones do not know."""
    known = subprocess.run([node, RELAXED, "-e", "0"], capture_output=True).returncode == 0
    return [RELAXED] if known else []


@pytest.mark.slow
def test_tests_pass_with_every_conformance_file(built: Path, node: str, all_models: Path) -> None:
    names = [str(path) for path in sorted((WEB / "test").glob("*.test.js"))]
    environment = {**os.environ, "HPCM_WEB_MODELS": str(all_models), "HPCM_WEB_VARIANTS": "1"}
    command = [node, *relaxed_option(node), "--test", *names]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-6000:]
    files = [name for folder in FOLDERS for name in recorded(folder)]
    for way in ("software", "relaxed") if "with relaxed" in done.stdout else ("software",):
        assert all(re.search(f"^ *ok .* {name} with {way} multiply-add$", done.stdout, re.M) for name in files), way


def test_version_is_that_of_the_python_package() -> None:
    assert json.loads((WEB / "package.json").read_text())["version"] == hpcmcodec.__version__


def test_package_has_all_that_it_needs(built: Path, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    done = subprocess.run([npm, "pack", "--json", "--dry-run"], cwd=WEB, capture_output=True, text=True, check=True)
    packed = {entry["path"] for entry in json.loads(done.stdout)[0]["files"]}
    assert {"package.json", "src/index.js", "src/index.d.ts", "src/image.js", "src/worker.js"} <= packed
    assert {"dist/hpcm.wasm", "dist/hpcm-fma.wasm"} <= packed
    assert not any(path.startswith(("test/", "native/")) for path in packed)
