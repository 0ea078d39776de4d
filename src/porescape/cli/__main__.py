"""`python -m porescape.cli`."""

from porescape.cli import main

main()
