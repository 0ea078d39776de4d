"""Measuring structures; independent of how structures are generated."""
