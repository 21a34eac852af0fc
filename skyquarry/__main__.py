"""`python -m skyquarry` is the command `skyquarry`."""

from skyquarry.cli import main

main()
