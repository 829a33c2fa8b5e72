"""Every preset as a CompressAI model, after `import hpcmcodec.compressai_plugin`.

The registry and the zoo of CompressAI then have `hpcm-lite`, `hpcm-base`, ... CompressAI's own programs know them when
they are started through this module:

    python -m hpcmcodec.compressai_plugin examples.train -d photos/ -m hpcm-lite --lambda 0.01
    python -m hpcmcodec.compressai_plugin compressai.utils.eval_model pretrained photos/ -a hpcm-lite -q 25,50,75

`quality` is that of `hpcm encode`, 1..100, and counts for networks of variable rate. `compress` codes on the native
kernels what `hpcm encode` codes: a string is the payload of a tile in the hpc file (FORMAT.md section 4.2), without the
file's header. The model behind it is the one that `export` writes.
"""

from __future__ import annotations

from hpcmcodec.compressai_plugin.model import HpcmModel
from hpcmcodec.compressai_plugin.zoo import PREFIX, register

__all__ = ["PREFIX", "HpcmModel", "register"]

register()
