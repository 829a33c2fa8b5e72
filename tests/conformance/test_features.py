"""The tables of README.md tell what the files show, and nothing is without a file."""

from __future__ import annotations

import features

from hpcmcodec.kernels.program import operation_names


def test_the_tables_are_those_of_the_files() -> None:
    assert features.README.read_text() == features.tables(), "run python tests/conformance/features.py"


def test_every_feature_has_a_file() -> None:
    shown = {name for path in features.files() for name in features.features(path)}
    assert shown == set(features.FEATURES)


def test_every_operation_has_a_file() -> None:
    used = set().union(*(features.operations(path) for path in features.files()))
    assert used - {"code"} == set(operation_names()) - features.UNUSED
