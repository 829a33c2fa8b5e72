"""Runs over workers that die, hang or refuse; the cache; what the files hold."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpcmcodec.bench.codecs import Settings, check
from hpcmcodec.bench.process import Worker, WorkerError
from hpcmcodec.bench.results import Measurement, Results
from hpcmcodec.bench.summary import summarise
from hpcmcodec.bench.sweep import Options, Step, introduce, read_pictures, sweep, tasks_of
from hpcmcodec.errors import HpcmError, InputError, UsageError

FAKE = Path(__file__).with_name("fake_worker.py")
starts: list[str] = []


def fake(spec: str, threads: int, processors: Sequence[int] = ()) -> Worker:
    starts.append(spec)
    return Worker(spec, threads, processors, command=[sys.executable, str(FAKE), spec])


def run(shots: Path, results: Results, *specs: str, stop: int | None = None, **more: Any) -> list[Step]:
    starts.clear()
    options = Options(specs, repeats=1, **more)
    pictures = read_pictures(sorted(shots.iterdir()), 10**6, lambda path, error: None)
    codecs = introduce(options, fake)
    results.codecs |= codecs
    results.pictures |= {p.digest: {"name": p.name, "width": p.width, "height": p.height} for p in pictures}
    steps = []
    for step in sweep(tasks_of(pictures, codecs, options), options, results, lambda: results.save(shots.parent), fake):
        steps.append(step)
        if len(steps) == stop:
            raise KeyboardInterrupt
    return steps


def errors(steps: list[Step]) -> list[str]:
    return [step.measurement.error for step in steps if step.measurement.error]


def test_everything_is_measured_once(shots: Path) -> None:
    results = Results()
    steps = run(shots, results, "good", "missing")
    assert [step.done for step in steps] == list(range(1, 11)) and {step.total for step in steps} == {10}
    assert not any(step.cached for step in steps) and results.codecs["missing"]["unavailable"].startswith("nothing")
    again = run(shots, Results.load(shots.parent / "results.json"), "good")
    assert all(step.cached for step in again)
    assert starts == ["good"]  # to learn its version only


def test_what_makes_a_measurement_useless(shots: Path) -> None:
    results = Results()
    run(shots, results, "good")
    assert not any(step.cached for step in run(shots, results, "good", threads=2))
    (shots / "a.png").write_bytes((shots / "b.png").read_bytes())  # the same content under two names: one picture
    assert [step.cached for step in run(shots, results, "good")] == [True] * 5
    more = Options(("good",), repeats=2)
    known = next(iter(results))
    assert results.find(known.key, 1, pinned=False) and not results.find(known.key, more.repeats, pinned=False)
    assert not results.find(known.key, 1, pinned=True)
    assert not results.find(known.key, 1, pinned=False, ssimulacra2=True)
    results.add(replace(known, ssimulacra2=70.0))
    assert results.find(known.key, 1, pinned=False, ssimulacra2=True)
    header, row = results.to_csv([replace(known, ssimulacra2=70.0)]).splitlines()
    assert row.split(",")[header.split(",").index("ssimulacra2")] == "70.0"
    results.forget()
    assert not any(step.cached for step in run(shots, results, "good"))


def test_an_interrupted_run_goes_on(shots: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(shots, Results(), "good", stop=3)
    steps = run(shots, Results.load(shots.parent / "results.json"), "good")
    assert [step.cached for step in steps] == [True] * 3 + [False] * 7


def test_one_failure_is_one_failure(shots: Path) -> None:
    assert errors(run(shots, Results(), "fails-at-3")) == ["ValueError: not this one"] * 2
    died = errors(run(shots, Results(), "dies-at-3"))
    assert died == ["ended by signal 6: oh no"] * 2 and starts == ["dies-at-3"] * 4


def test_a_codec_that_always_dies_is_given_up_and_others_go_on(shots: Path) -> None:
    steps = run(shots, Results(), "dies", "good")
    assert starts == ["dies", "good", "dies", "dies", "dies", "good"]
    assert len(errors(steps)) == 10 and errors(steps)[-1].startswith("given up")


def test_a_codec_that_hangs_is_stopped() -> None:
    with fake("hangs", 1) as worker, pytest.raises(WorkerError, match=r"no answer within 0\.2 s"):
        worker.ask("measure", 0.2, setting=1)


def test_settings_of_the_user(shots: Path) -> None:
    steps = run(shots, Results(), "good", qualities={"good": (2, 9)})
    assert [step.measurement.setting for step in steps] == [2, 9, 2, 9]
    with pytest.raises(UsageError, match="1 to 9"):
        run(shots, Results(), "good", qualities={"good": (2.5,)})


def test_settings() -> None:
    settings = Settings((1, 12, 25, 50, 100), 1, 100)
    assert settings.points(None) == settings.sweep and settings.points(3) == (1, 25, 100)
    assert len(settings.points(9)) == 9 and settings.points(9)[-1] == 100
    assert settings.nearest(200) == 100 and settings.nearest(3.4) == 3
    assert Settings((0.5,), 0.1, 25, 0.05).nearest(1.234) == 1.25
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_unreadable_pictures_are_told(shots: Path) -> None:
    (shots / "c.png").write_text("no picture")
    told: list[tuple[Path, HpcmError]] = []
    found = read_pictures(sorted(shots.iterdir()), 10**6, lambda path, error: told.append((path, error)))
    assert [p.name for p in found] == ["a.png", "b.png"] and (found[0].width, found[0].height) == (64, 48)
    assert [path.name for path, _ in told] == ["c.png"]


def test_files(shots: Path) -> None:
    run(shots, Results(), "good", "fails-at-3")
    content = json.loads((shots.parent / "results.json").read_text())
    assert content["schema"] == 1 and len(content["measurements"]) == 20
    rows = list(csv.DictReader((shots.parent / "results.csv").read_text().splitlines()))
    assert len(rows) == 20 and rows[0]["picture"] == "a.png" and rows[0]["setting"] == "1"
    assert float(rows[0]["bits_per_pixel"]) == pytest.approx(8 * 200 / (64 * 48))
    assert [row["error"] for row in rows if row["error"]] == ["ValueError: not this one"] * 2


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}', '{"schema": 1, "pictures": 3}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError, match="-o"):
        Results.load(tmp_path / "results.json")


def test_summary(shots: Path) -> None:
    pytest.importorskip("bjontegaard")
    steps = run(shots, Results(), "good", "fails-at-3")
    pictures = list({step.picture.digest: step.picture for step in steps}.values())
    # the second codec as the first, with half the bytes again
    measurements = [step.measurement for step in steps if step.measurement.codec == "good"]
    for m in list(measurements):
        measurements.append(Measurement(m.picture, "dear", "1", m.setting, 1, 1, 3 * (m.bytes or 0) // 2, m.psnr))
    measurements += [step.measurement for step in steps if step.measurement.codec == "fails-at-3"]
    summary = summarise(measurements, pictures, ["good", "dear", "fails-at-3"], "good", draws=20)
    assert summary["codecs"]["dear"]["distances"]["psnr"]["rate"] == pytest.approx(50)
    assert summary["codecs"]["dear"]["distances"]["psnr"]["interval"] == pytest.approx([50, 50])
    assert summary["matrix"]["psnr"]["good"]["dear"] == pytest.approx(-100 / 3)
    assert summary["codecs"]["good"]["encode"]["seconds"] == pytest.approx(0.1 / (64 * 48 / 1e6))
    assert summary["codecs"]["fails-at-3"]["left_out"] == [3]
    assert [p["setting"] for p in summary["codecs"]["fails-at-3"]["points"]] == [1, 2, 4, 5]
    assert json.loads(json.dumps(summary)) == summary


def test_specs() -> None:
    assert [check(spec) for spec in ("jpeg", " avif:best ", "hpcm:lite", "jpeg:")] == [
        "jpeg",
        "avif:best",
        "hpcm:lite",
        "jpeg",
    ]
    for wrong in ("gif", "jpeg:x", ""):
        with pytest.raises(UsageError):
            check(wrong)


def test_no_cell_is_a_formula() -> None:
    results = Results()
    results.pictures = {"d": {"name": "=HYPERLINK(1)", "width": 2, "height": 2}}
    results.add(Measurement("d", "@jpeg", "+1", -5.0, 1, 1, error="-1+cmd|' /C calc'!A0"))
    (row,) = csv.DictReader(results.to_csv(results).splitlines())
    assert (row["picture"], row["codec"], row["version"], row["setting"]) == ("'=HYPERLINK(1)", "'@jpeg", "'+1", "-5.0")
    assert row["error"].startswith("'-1+cmd")
