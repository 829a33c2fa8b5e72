"""Files: the hpc container, model files, pictures in and out."""
