"""Protocols: how an upload is said over HTTP, as machines without I/O. Pure."""
