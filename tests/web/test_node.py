"""The npm package in Node: its own tests, with both ways to multiply and add, and what `npm pack` packs."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import hpcmcodec

from .conftest import ROOT, WEB, has_fma, recorded

FOLDERS = tuple(ROOT / "tests/conformance" / name for name in ("", "parts", "deep", "variants"))
RELAXED = "--experimental-wasm-relaxed-simd"
RELAXED_FROM = 20
"""The first version of Node that has relaxed SIMD as it was standardised, before version 22 behind an option."""


def relaxed_option(node: str) -> list[str]:
    """What makes this Node take relaxed SIMD; later versions know no such option."""
    known = subprocess.run([node, RELAXED, "-e", "0"], capture_output=True).returncode == 0
    return [RELAXED] if known else []


def ways(node: str) -> list[str]:
    """How this Node must be able to multiply and add, so that a broken probe is not taken for a lack."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    relaxed = has_fma() and int(version.lstrip("v").split(".")[0]) >= RELAXED_FROM
    return ["software", "relaxed"] if relaxed else ["software"]


def run(node: str, name: str, models: Path) -> str:
    """What a test file says, run without `--test`, which would not hand the option on; fails if a test does."""
    environment = {**os.environ, "HPCM_WEB_MODELS": str(models), "HPCM_WEB_VARIANTS": "1"}
    command = [node, *relaxed_option(node), str(WEB / f"test/{name}.test.js")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.slow
def test_every_conformance_file_gives_the_recorded_pixels(built: Path, node: str, all_models: Path) -> None:
    said = run(node, "conformance", all_models)
    names = [name for folder in FOLDERS for name in recorded(folder)]
    for way, name in itertools.product(ways(node), names):
        assert re.search(f"^ok .* {re.escape(name)} with {way} multiply-add$", said, re.M), (name, way)


def test_multiply_add_rounds_once(built: Path, node: str) -> None:
    said = run(node, "fma", WEB / "models")
    for way in ways(node):
        assert re.search(f"^ok .* {way} multiply-add rounds once$", said, re.M), way
        assert re.search(f"^ok .* {way} chains of multiply-add round once a step$", said, re.M), way


def test_api(built: Path, node: str) -> None:
    run(node, "api", WEB / "models")


def test_version_is_that_of_the_python_package() -> None:
    assert json.loads((WEB / "package.json").read_text())["version"] == hpcmcodec.__version__


def test_package_has_all_that_it_needs(built: Path, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    done = subprocess.run([npm, "pack", "--json", "--dry-run"], cwd=WEB, capture_output=True, text=True, check=True)
    packed = {entry["path"] for entry in json.loads(done.stdout)[0]["files"]}
    assert {"package.json", "src/index.js", "src/index.d.ts", "src/image.js"} <= packed
    assert {"src/worker.js", "src/threads.js", "src/thread.js"} <= packed
    kinds = ["", "-fma", *(["-threads", "-fma-threads"] if (WEB / "dist/hpcm-threads.wasm").exists() else [])]
    assert {f"dist/hpcm{kind}.wasm" for kind in kinds} <= packed
    assert not any(path.startswith(("test/", "native/")) for path in packed)


def test_types_name_everything_that_is_exported(node: str) -> None:
    script = (
        f"import({json.dumps((WEB / 'src/index.js').as_uri())}).then(m => console.log(JSON.stringify(Object.keys(m))))"
    )
    exported = set(json.loads(subprocess.run([node, "-e", script], capture_output=True, check=True).stdout))
    text = (WEB / "src/index.d.ts").read_text()
    declared = set(re.findall(r"^export declare (?:class|function) (\w+)", text, re.M))
    assert exported == declared and "decode" in exported
