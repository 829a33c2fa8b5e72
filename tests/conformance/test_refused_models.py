"""Model files that the format forbids are refused, and called what they are, by every reader that there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import model_refusals
import pytest
import reference_model
from model_refusals import ACCEPTED, BASES, RECORD, SPARE, Case

from hpcmcodec.errors import HpcmError
from hpcmcodec.formats import model_file
from hpcmcodec.kernels import decode

RECORDED: dict[str, dict[str, Any]] = json.loads(RECORD.read_text())
FILES = model_refusals.stored()
CASES: dict[str, Case] = {case.name: case for case in model_refusals.cases()}
UNREACHED = {
    " MB of memory, more than is allowed": "models are executed without such a limit",
    " is too large": "a parameter of 2^31 elements takes as many bytes of a file",
    "JSON: the text is too long": "the head is at most as long",
    "a program reads symbols where there are none": "such nodes are refused when the program is read",
    "a rectangle lies outside the result": "of the caller",
    "entropy tables need 1 to 65536 rows": "a tensor has an element at least, and there are at most 768 rows",
    "residual is not a finite number in range": "of an encoder",
    "rows: index ": "of a caller of the coder",
}
"""What the sources say of no model file, and why."""
IN_PYTHON = ("files", "texts", "tensors", "tables")
"""What the reader in Python looks at too; it leaves programs to the core."""
LEFT = {"json-surrogate", "json-deep", "json-values"}
"""And these."""


def test_the_files_are_those_of_the_script() -> None:
    assert list(RECORDED) == list(CASES)
    assert {"accepted": ACCEPTED, "spare": SPARE.build(), **{n: case.data for n, case in CASES.items()}} == FILES
    for name, case in CASES.items():
        assert (RECORDED[name]["reason"], RECORDED[name]["code"]) == (case.reason, case.code)


@pytest.mark.parametrize("name", ["accepted", "spare"])
def test_the_model_that_they_are_made_of_is_accepted(name: str, tmp_path: Path) -> None:
    assert model_refusals.refusal(FILES[name], decoding=False) is None
    reference_model.checked(FILES[name], {})
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(FILES[name])
    model_file.read(path).verify()


@pytest.mark.parametrize("name", RECORDED)
def test_the_core_refuses_it(name: str) -> None:
    record = RECORDED[name]
    error = model_refusals.refusal(FILES[name], decoding=CASES[name].decoding)
    assert error is not None and (error.exit_code, str(error)) == (record["code"], record["message"])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.decoding])
def test_the_second_reader_refuses_it(name: str) -> None:
    refused = model_refusals.second_refusal(FILES[name])
    assert refused is not None and (refused.kind, str(refused)) == (RECORDED[name]["code"], RECORDED[name]["second"])


@pytest.mark.parametrize("group", IN_PYTHON)
def test_the_reader_in_python_refuses_it(group: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for case in (one for one in getattr(model_refusals, group)() if one.name not in LEFT):
        path.write_bytes(FILES[case.name])
        with pytest.raises(HpcmError) as caught:
            model_file.read(path).verify()
        assert caught.value.exit_code == case.code, case.name


def test_only_the_base_itself_is_taken() -> None:
    """What an adapter of the accepted model and one of its parameters are refused for lies in the base."""
    own = {name: one for name, one in model_refusals.TENSORS.items() if name != "w"}
    adapter = model_refusals.Model(tensors=own, base=model_refusals.IDENTITY.hex()).build()
    decode.Model(adapter, model_refusals.find_base)
    reference_model.checked(adapter, BASES)


def test_every_reason_of_the_core_has_a_file() -> None:
    messages = [str(record["message"]) for record in RECORDED.values()]
    said = {reason for reason in model_refusals.reasons() if any(reason in message for message in messages)}
    assert model_refusals.reasons() - said == UNREACHED.keys()


def test_reasons_are_found_in_the_sources() -> None:
    """Those of each sort of call, so that the test above cannot pass for want of any."""
    found = model_refusals.reasons()
    some = {"a tensor's shape", "hyper_stride", "a colon is missing", "bands are not a multiple of four channels"}
    assert some <= found and len(found) > 150
