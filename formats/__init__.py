"""Bytes on disk: the hpc container, model files, pictures in and out. `FORMAT.md` beside this file is normative."""
