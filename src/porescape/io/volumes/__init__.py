"""Volumes: files in and out, whole or piece by piece."""
