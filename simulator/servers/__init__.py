"""Servers: what clients upload to: the interface, supervision, the catalog, and one in the box."""
