"""The fit: objective, search for the recipe, and refinement of the structure."""
