"""All that a release must pass, in a fresh clone of this repository's HEAD: `make release-check`.

    python tests/release_check.py [--only PATTERN] [--keep FOLDER]

Prints one line for each step, goes on after failures, and ends with 1 if there was one. What a step printed is in
FOLDER/logs. Needs what the steps' make targets need: a C++ compiler, Clang for the sanitizers, Node and Chromium for
the browser; nothing of it is skipped in silence.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEEL_MB, TREE_MB, CONFORMANCE_MB = 30, 60, 3
PRIVATE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|mnt|work|opt)/[a-z]\w*/|\.\./shared|https?://(?:localhost|10\.|192\.168\.)[^\s\"']*simple"
)
"""What only somebody's machine has: folders of people, package mirrors."""
ALLOWED = {"tests/release_check.py"}
TEXTS = {".py", ".md", ".cpp", ".h", ".c", ".js", ".ts", ".json", ".toml", ".txt", ".sh", ".yml", ".html", ".css", ""}

Step = tuple[str, Callable[[Path], None] | list[str]]


class Failed(Exception):
    """A step's own check."""


def tracked(clone: Path) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, check=True).stdout.decode()
    return [clone / name for name in names.split("\0") if name]


def megabytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def sizes(clone: Path) -> None:
    """Wheel, tree and conformance files are within their limits."""
    conformance = [path for suffix in ("hpc", "zip") for path in (clone / "tests/conformance").rglob(f"*.{suffix}")]
    found = {
        "wheel": (megabytes(sorted(clone.glob("dist/*.whl"))), WHEEL_MB),
        "tree": (megabytes(tracked(clone)), TREE_MB),
        "conformance files": (megabytes(conformance), CONFORMANCE_MB),
    }
    print(", ".join(f"{name} {size:.1f} of {most} MB" for name, (size, most) in found.items()))
    wrong = [name for name, (size, most) in found.items() if not 0 < size <= most]
    if wrong:
        raise Failed(f"missing or too large: {', '.join(wrong)}")


def wheel_contents(clone: Path) -> None:
    """The wheel brings models, self-test and conformance files, and no tests or sources."""
    (wheel,) = clone.glob("dist/*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("weights/lite-8.safetensors", "kernels/selftest.json", "conformance/pixels.json", "py.typed"):
        if not any(name.endswith(wanted) for name in names):
            raise Failed(f"the wheel has no {wanted}")
    extra = [name for name in names if name.endswith((".cpp", ".h")) or "/test_" in name]
    if extra:
        raise Failed(f"the wheel has {extra[0]}")


def no_machine(clone: Path) -> None:
    """No file names a person's folders or a package mirror."""
    for path in tracked(clone):
        name = path.relative_to(clone).as_posix()
        if path.suffix in TEXTS and name not in ALLOWED:
            found = PRIVATE.search(path.read_text(encoding="utf-8", errors="ignore"))
            if found:
                raise Failed(f"{name} names {found[0]}")


def no_leftovers(clone: Path) -> None:
    """Models that the package does not bring are not named as if it did; files of superseded ones are gone."""
    shipped = {path.stem for path in (clone / "hpcmcodec/weights").glob("*.safetensors")}
    for path in tracked(clone):
        name = path.relative_to(clone).as_posix()
        if path.suffix not in (".md", ".py", ".json") or name.startswith(("tests/", "docs/DECISIONS", "docs/CHECKS")):
            continue
        for model in re.findall(r"\blite-\d+\b", path.read_text(encoding="utf-8")):
            if model not in shipped:
                raise Failed(f"{name} names {model}")


STEPS: list[Step] = [
    ("README's first command: make demo", ["make", "demo"]),
    ("README's second: make test", ["make", "test"]),
    ("what needs torch: make test-torch", ["make", "test-torch"]),
    ("style and types: make lint", ["make", "lint"]),
    ("sdist, wheel, doctor in an empty environment: make wheels", ["make", "wheels"]),
    ("sizes", sizes),
    ("what the wheel holds", wheel_contents),
    ("tables of the documents", [".venv/bin/python", "benchmarks/record.py", "--check"]),
    ("no folders of a machine", no_machine),
    ("no superseded models", no_leftovers),
    ("C library: make test-libhpcm", ["make", "test-libhpcm"]),
    ("browser: make test-web", ["make", "test-web"]),
    ("sanitizers: make test-sanitize", ["make", "test-sanitize"]),
]


def run(step: Step, clone: Path, log: Path) -> str | None:
    """What is wrong, or None."""
    work = step[1]
    if callable(work):
        try:
            work(clone)
        except (Failed, OSError, ValueError) as error:
            return str(error) or type(error).__name__
        return None
    with log.open("w") as output:
        code = subprocess.run(work, cwd=clone, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    return f"exit code {code}, see {log}" if code else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="steps whose name matches this regular expression")
    parser.add_argument("--keep", type=Path, help="the clone and its logs, made here and left")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="hpcm-release-"))
    clone, logs = folder / "clone", folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", clone], check=True)
    failures = 0
    for number, step in enumerate(STEPS):
        if not re.search(options.only, step[0]):
            continue
        start = time.monotonic()
        wrong = run(step, clone, logs / f"{number:02}.txt")
        failures += wrong is not None
        print(f"{'FAILED' if wrong else 'ok':6} {time.monotonic() - start:6.0f} s  {step[0]}", flush=True)
        if wrong:
            print(f"       {wrong}", flush=True)
    print(f"{failures} failures" if failures else "everything is as a release must be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
