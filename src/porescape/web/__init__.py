"""The page: upload an image, follow its reconstruction, download the results; one server, one queue."""
