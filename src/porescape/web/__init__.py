"""The web page: upload an image, follow the reconstruction, download the results; one server, one queue."""
