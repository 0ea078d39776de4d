"""Filtration properties of a membrane: intrusion, porometry, retention."""
