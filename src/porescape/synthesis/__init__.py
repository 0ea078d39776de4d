"""Generating structures; independent of how structures are measured."""
