"""Stands for a worker: `python fake_worker.py BEHAVIOUR`. Bytes and PSNR are functions of the setting.

`large`: half as many bytes again. `dies`: its process ends at the first request. `dies-at-3`: at setting 3.
`fails-at-3`: it refuses setting 3. `hangs`: it never answers. `missing`: the codec is not there. Crops have one colour,
red for `large`, else blue.
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
    request = json.loads(line)
    setting = request["setting"]
    if behaviour == "dies" or (behaviour == "dies-at-3" and setting == 3):
        print("oh no", file=sys.stderr, flush=True)
        os.abort()
    if behaviour == "hangs":
        time.sleep(60)
    if behaviour == "fails-at-3" and setting == 3:
        answer({"error": "ValueError: not this one"})
        continue
    size = (150 if behaviour == "large" else 100) * 2**setting
    if request["op"] == "crop":
        from PIL import Image

        colour = (200, 0, 0) if behaviour == "large" else (0, 0, 200)
        Image.new("RGB", request["box"][2:], colour).save(request["output"], "WEBP", lossless=True)
        answer({"bytes": size, "psnr": 25 + 3 * setting})
        continue
    side = {"seconds": 0.1, "cpu_seconds": 0.1, "network_seconds": None, "entropy_seconds": None}
    side |= {"peak_bytes": 1000, "runs": 1}
    answer({"bytes": size, "psnr": 25 + 3 * setting, "ms_ssim": None, "encode": side, "decode": side})
