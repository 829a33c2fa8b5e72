"""A folder stored elsewhere as a whole: pictures coded, everything else copied, each file checked on the disk.

plan: which file goes where. manifest: what is stored, with hashes. store: one file put away. check: all of them again.
"""

from __future__ import annotations

from hpcmcodec.batch.archive.check import CheckJob, check_plan
from hpcmcodec.batch.archive.manifest import NAME, Entry, Manifest
from hpcmcodec.batch.archive.plan import Item, StoreTask, archive_plan, missed
from hpcmcodec.batch.archive.store import Recipe, Stored, StoreJob

__all__ = [
    "NAME",
    "CheckJob",
    "Entry",
    "Item",
    "Manifest",
    "Recipe",
    "StoreJob",
    "StoreTask",
    "Stored",
    "archive_plan",
    "check_plan",
    "missed",
]
