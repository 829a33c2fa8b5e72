"""The hpcm command line, one module per command."""
