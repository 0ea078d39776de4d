"""Statistics of sections, by which images and slices of structures are compared."""
