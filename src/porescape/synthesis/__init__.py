"""How to make a structure; knows nothing of how structures are measured."""
