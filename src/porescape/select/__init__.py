"""Replica selection: which structure is most like the image in what the fit did not use."""
