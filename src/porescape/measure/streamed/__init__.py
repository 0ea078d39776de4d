"""Measuring what does not fit into memory: counts gathered plane by plane, and exact."""
