"""The version, on the ground floor: results carry it, so everything may need it."""

__version__ = "0.1.0"
