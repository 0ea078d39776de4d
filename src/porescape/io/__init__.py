"""Reading and writing files; no layer below this one does either."""
