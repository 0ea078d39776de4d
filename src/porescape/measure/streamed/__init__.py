"""Measuring volumes larger than memory: exact counts, plane by plane."""
