"""Many files: which goes where (plan), how one is converted (convert), all of them with failures collected (run)."""

from __future__ import annotations

from hpcmcodec.batch.convert import Converted, DecodeJob, EncodeJob
from hpcmcodec.batch.found import CODED, PICTURES, STREAM, LeftOut, Source, find
from hpcmcodec.batch.places import Place, Url, place
from hpcmcodec.batch.plan import Existing, Plan, Task, plan
from hpcmcodec.batch.run import Outcome, Summary, run

__all__ = [
    "CODED",
    "PICTURES",
    "STREAM",
    "Converted",
    "DecodeJob",
    "EncodeJob",
    "Existing",
    "LeftOut",
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
