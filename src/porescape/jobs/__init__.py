"""Whole jobs: one image, many images, comparisons, several pixel sizes, and what they cost."""
