"""The page: upload an image, watch it become a structure, take the results home; one server, one queue."""
