"""Telling: every stage draws itself, and one page holds it all."""
