"""One upload, whatever the protocol: what is known of it, and what can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from simulator.servers.reference.storage import Info, Scalar

if TYPE_CHECKING:
    from simulator.servers.reference.append import Append

UNLIMITED = 1 << 62
STAGED = ".part"  # ends the blob's name of an upload that nobody may see before it is whole


class Trouble(StrEnum):
    """Why an upload cannot be had or written."""

    MISSING = "no such upload"
    EXPIRED = "the upload expired and was removed"
    TOO_LARGE = "more bytes than the upload's length or the server's limit"
    MISMATCH = "the checksum does not match the bytes that arrived"
    LOCKED = "another request holds the upload"
    TAKEN = "the name belongs to an upload of another protocol"


class UploadError(Exception):
    """An upload cannot be had or written, for ``trouble``."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_size`` of an upload and ``max_append`` of one request's content, in bytes; ``expires`` in
    seconds after the last progress. None: no limit.

    ``smallest_part`` is the least that a part of S3's but the last may have, in bytes. ``whole_urls``
    makes tus's ``Location`` a whole URL, for clients that take no path.
    """

    max_size: int | None = None
    expires: float | None = None
    max_append: int | None = None  # only the IETF draft can tell a client of it
    smallest_part: int = 5 * 2**20
    whole_urls: bool = False

    @property
    def room(self) -> int:
        """Return the most bytes that an upload may have."""
        return UNLIMITED if self.max_size is None else self.max_size


@dataclass(slots=True, eq=False)
class Upload:
    """One upload. The fields of ``INFO`` are stored beside its bytes, whose count is the offset.

    ``concat`` is the value of tus's Upload-Concat. ``pending`` says that only a word of its client
    makes the upload complete, not its offset. ``verified`` is set while an append may yet
    prove wrong: bytes from there on do not count before it ends. ``whole`` says that the blob came
    whole, so that its size is the length. ``staged`` ones are seen by nobody. ``untidy`` says that
    the blob may hold bytes past the offset. ``append`` is the only writer.
    """

    id: str
    protocol: str
    length: int | None = None
    metadata: str = ""
    concat: str = ""
    expires: float | None = None
    expired: bool = False
    verified: int | None = None
    whole: bool = False
    offset: int = 0
    pending: bool = False
    staged: bool = False
    untidy: bool = False
    append: Append | None = None

    @property
    def complete(self) -> bool:
        """Return whether every byte is there."""
        return not self.staged and not self.pending and self.offset == self.length

    @property
    def blob(self) -> str:
        """Return the name under which the store has the bytes."""
        return self.id + STAGED if self.staged else self.id

    @property
    def info(self) -> Info:
        """Return what is stored beside the bytes."""
        info: dict[str, Scalar] = {name: getattr(self, name) for name in INFO}
        return {**info, "length": None} if self.whole else info


INFO: dict[str, tuple[type, ...]] = {
    "protocol": (str,),
    "length": (int, type(None)),
    "metadata": (str,),
    "concat": (str,),
    "expires": (int, float, type(None)),
    "expired": (bool,),
    "verified": (int, type(None)),
    "whole": (bool,),
    "pending": (bool,),
}


def from_info(name: str, info: Info) -> Upload:
    """Return the upload that *info* tells of, at offset 0; raises ``ValueError`` for a foreign info."""
    info = {"pending": False, **info}  # simsim 0.1 did not write it
    for key, types in INFO.items():
        if not isinstance(info.get(key), types):
            raise ValueError(f"upload {name}: its info has no proper '{key}'")
    known: dict[str, Scalar] = {key: info[key] for key in INFO}
    return Upload(name, **known)  # type: ignore[arg-type]  # the types were checked above
