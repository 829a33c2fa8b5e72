"""Training with torch: `hpcm train`, or `python -m hpcmcodec.train` in a bare source tree.

Needs torch, numpy and Pillow alone; neither compiled kernels nor the command line's packages. Only `export` needs the
installed package, because it writes a model file.
"""
