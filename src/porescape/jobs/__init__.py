"""Whole jobs: one image, batches, comparisons, resolution studies, and their cost."""
