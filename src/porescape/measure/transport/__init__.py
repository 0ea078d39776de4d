"""Diffusion, flow, paths, and what passes a membrane."""
