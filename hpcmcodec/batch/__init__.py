"""Many files: which goes where (plan), how one is converted (convert), all of them with failures collected (run)."""

from __future__ import annotations

from hpcmcodec.batch.convert import Converted, DecodeJob, EncodeJob
from hpcmcodec.batch.places import Place, Url, place
from hpcmcodec.batch.plan import CODED, PICTURES, STREAM, Existing, Plan, Source, Task, find, plan
from hpcmcodec.batch.run import Outcome, Summary, run

__all__ = [
    "CODED",
    "PICTURES",
    "STREAM",
    "Converted",
    "DecodeJob",
    "EncodeJob",
    "Existing",
    "Outcome",
    "Place",
    "Plan",
    "Source",
    "Summary",
    "Task",
    "Url",
    "find",
    "place",
    "plan",
    "run",
]
