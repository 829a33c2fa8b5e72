"""`python -m hpcmcodec` is `hpcm`."""

from hpcmcodec.cli.main import main

main()
