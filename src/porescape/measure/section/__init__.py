"""Statistics of sections: what images and slices of structures are compared by."""
