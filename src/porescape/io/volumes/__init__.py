"""Volumes: read and write files, whole or piece by piece."""
