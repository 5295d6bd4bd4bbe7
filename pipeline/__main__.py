"""`python -m pipeline` is the command `tokengrowth`."""

from pipeline.cli import main

main()
