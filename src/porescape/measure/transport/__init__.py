"""Diffusion, flow and shortest paths through a volume."""
