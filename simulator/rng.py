"""Every random draw has a name: (seed, profile, user, layer).

A generator is made from the name alone, so adding a layer or a user leaves all other draws as
they were, and any process draws the same.
"""

from __future__ import annotations

import hashlib

import numpy as np


def rng(seed: int, profile: str, user: int, layer: str) -> np.random.Generator:
    """Return the generator of one layer of one user's weather.

    PCG64 is named rather than numpy's default, which may change between versions (numpy NEP 19).
    """
    name = f"{seed}\0{profile}\0{user}\0{layer}".encode()
    entropy = int.from_bytes(hashlib.sha256(name).digest(), "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
