"""Transport: how bytes leave a client: an httpx transport on h11."""
