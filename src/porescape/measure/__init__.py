"""What a structure is like; knows nothing of how structures are made."""
