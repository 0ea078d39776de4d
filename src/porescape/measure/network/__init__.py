"""Pore networks: pores, throats, and flow through them."""
