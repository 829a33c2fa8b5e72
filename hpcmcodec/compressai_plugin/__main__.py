"""CompressAI's own programs with the presets of this package."""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Runs a module of CompressAI that knows the presets."""
    if len(sys.argv) < 2:
        sys.exit(
            "usage: python -P -m hpcmcodec.compressai_plugin MODULE [ARGUMENT...], such as compressai.utils.eval_model"
        )
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
