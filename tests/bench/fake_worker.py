"""Stands for a worker: `python fake_worker.py BEHAVIOUR`. Bytes and PSNR are functions of the setting.

`dies`: its process ends at the first request. `dies-at-3`: at setting 3. `fails-at-3`: it refuses setting 3. `hangs`:
it never answers. `missing`: the codec is not there.
"""

from __future__ import annotations

import json
import os
import sys
import time

behaviour = sys.argv[1]
SETTINGS = {"sweep": [1, 2, 3, 4, 5], "low": 1, "high": 9, "step": 1}


def answer(values: dict) -> None:
    print(json.dumps(values), flush=True)


if behaviour == "missing":
    answer({"unavailable": "nothing there: install it"})
    sys.exit()
answer({"label": "Fake", "version": "1", "about": behaviour, "settings": SETTINGS})
for line in sys.stdin:
    setting = json.loads(line)["setting"]
    if behaviour == "dies" or (behaviour == "dies-at-3" and setting == 3):
        print("oh no", file=sys.stderr, flush=True)
        os.abort()
    if behaviour == "hangs":
        time.sleep(60)
    if behaviour == "fails-at-3" and setting == 3:
        answer({"error": "ValueError: not this one"})
        continue
    side = {"seconds": 0.1, "cpu_seconds": 0.1, "network_seconds": None, "entropy_seconds": None}
    side |= {"peak_bytes": 1000, "runs": 1}
    answer({"bytes": 100 * 2**setting, "psnr": 25 + 3 * setting, "ms_ssim": None, "encode": side, "decode": side})
