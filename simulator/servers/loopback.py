"""What stays on this machine: everything that simsim dials or listens on, unless its user says otherwise."""

from __future__ import annotations

import socket

from simulator.errors import UsageError
from simulator.links.addresses import is_loopback

_SHOWN = 80  # characters of a name that a message says again


def refuse_remote(host: str, where: str, mend: str) -> None:
    """Raise ``UsageError``, with *where* and *mend*, unless every address of *host* is a loopback one.

    A name that cannot be resolved is refused as well.
    """
    for address in _addresses(host, where):
        if not is_loopback(address):
            what = f"'{host[:_SHOWN]}' is not a loopback address ({address})"
            raise UsageError(what, where=where, mend=mend)


def _addresses(host: str, where: str) -> set[str]:
    name = host[:_SHOWN]
    try:
        return {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise UsageError(f"'{name}' cannot be resolved: {error.strerror}", where=where) from error
    except UnicodeError as error:  # Python encodes a name with IDNA before it asks for its address
        raise UsageError(
            f"'{name}' is no name of a host: a label is empty or too long",
            where=where,
            mend="labels of 1 to 63 letters, digits and '-'",
        ) from error
