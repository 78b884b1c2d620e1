"""The server in the box: a pure core (``core``), and a shell of h11 on asyncio (``shell``).

``python -m simulator.servers.reference`` runs it. Uploads go to ``tus.PATH``, ``plain.PATH`` and
``google.ENDPOINT``.
"""
