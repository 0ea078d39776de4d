"""Micrographs: files, pixel sizes, banners and scale bars."""
