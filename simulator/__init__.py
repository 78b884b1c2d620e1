"""simsim load-tests resumable uploads over simulated bad networks.

    profile --(seed, user)--> timeline --> link (engine) --+
                                                           |  real sockets, real time
    workload ------------------------> swarm of clients --> records --> numbers --> charts, report
                                                           |
                            server (in the box or real) ---+

The rooms, in the order in which they may import one another (a room imports only rooms
before it; ``pipeline`` sees all, and only ``cli`` sees it):

    ground      errors, units, rng, payload, records
    1 weather   profile -> timeline                          pure
    2 protocols how a client speaks                          pure
    3 links     timeline -> addresses to dial                link.py is pure
    4 transport how bytes leave a client
    4 servers   what they are sent to                        reference/core is pure
    5 swarm     clients -> records, live
    6 measure   records -> numbers                           pure
    7 report    numbers -> pictures and words
    8 cli       the user
"""

__version__ = "0.1.0"
