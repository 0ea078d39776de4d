"""Lengths, areas, connectivity and topology of a volume."""
