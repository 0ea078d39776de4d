"""porescape: statistically equivalent 3-D pore structures, and their numbers, from one SEM image."""

__version__ = "0.1.0"
