"""Which recipe has sections like the image: objective, search, and refinement of what it makes."""
