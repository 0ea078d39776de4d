"""Structures beyond memory, block by block."""
