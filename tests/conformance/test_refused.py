"""What the format forbids is refused, and called what it is, by every decoder that there is."""

from __future__ import annotations

import json

import pytest
import refusals
from refusals import FOLDER, RECORD, Case

from hpcmcodec.codec import Decoder
from hpcmcodec.errors import HpcmError
from hpcmcodec.formats import container

RECORDED: dict[str, dict[str, str | int]] = json.loads(RECORD.read_text())
CONTAINERS = {
    group.__name__: [f"{case.name}.hpc" for case in group()]
    for group in (refusals.signatures, refusals.truncations, refusals.fields, refusals.canonical, refusals.parts)
}
NAMES = sorted(RECORDED)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder()


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {f"{case.name}.hpc": case for case in refusals.cases()}


def test_the_files_are_those_of_the_script(cases: dict[str, Case]) -> None:
    assert {path.name for path in FOLDER.glob("*.hpc")} == RECORDED.keys() == cases.keys()
    assert list(RECORDED) == list(cases)
    for name, case in cases.items():
        assert (FOLDER / name).read_bytes() == case.data, name
        assert (RECORDED[name]["reason"], RECORDED[name]["code"]) == (case.reason, case.code)


@pytest.mark.parametrize("name", NAMES)
def test_the_decoder_refuses_it(name: str, decoder: Decoder) -> None:
    record, data = RECORDED[name], (FOLDER / name).read_bytes()
    error = refusals.refusal(data, decoder, verify=record["of"] == "metadata")
    assert error is not None and error.exit_code == record["code"] and str(error).startswith(str(record["message"]))


@pytest.mark.parametrize("group", CONTAINERS)
def test_the_container_refuses_it(group: str) -> None:
    """The reader in Python, which looks at no stream."""
    for name in CONTAINERS[group]:
        if name == "exact-samples.hpc":
            continue
        with pytest.raises(HpcmError) as caught:
            container.read((FOLDER / name).read_bytes())
        assert caught.value.exit_code == RECORDED[name]["code"], name


def _second() -> list[object]:
    """Those for the second decoder; it takes long for what comes after a learned picture."""
    late = {f"{case.name}.hpc" for case in refusals.tiles()} | {f"{case.name}.hpc" for case in refusals.flat_blocks()}
    late |= {name for name in NAMES if name.startswith("reference-")}
    names = [name for name in NAMES if not RECORDED[name]["of"]]
    return [pytest.param(name, marks=pytest.mark.slow) if name in late else name for name in names]


@pytest.mark.parametrize("name", _second())
def test_the_second_decoder_refuses_it(name: str) -> None:
    """For the same reason, as far as its words tell."""
    refused = refusals.second_refusal((FOLDER / name).read_bytes())
    assert refused is not None and (refused.kind, str(refused)) == (RECORDED[name]["code"], RECORDED[name]["second"])


def test_every_reason_of_the_second_decoder_has_a_file() -> None:
    """Of those that do not need a model of another kind than the shipped ones."""
    said = {str(record["second"]) for record in RECORDED.values()}
    source = "".join((refusals.FOLDER.parents[1] / f"formats/{name}.py").read_text() for name in refusals.SECOND)
    assert {reason for reason in refusals.reasons(source) if not reason.startswith("field {")} - said == refusals.UNSEEN
