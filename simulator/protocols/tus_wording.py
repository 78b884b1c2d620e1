"""How one arm words the requests of tus: what its options put into them.

    checksum=ALG        Upload-Checksum with all content        ("Checksum")
    deferred=first      Upload-Defer-Length: 1, and the length with the first append ...
    deferred=last       ... or with the last                    ("Creation", "POST")
    override            POST with X-HTTP-Method-Override        ("X-HTTP-Method-Override")

An upload that is a part of another says so (``partial``), and the one that joins them names them
("Concatenation"). Titles in quotes are of protocol.md in tus/tus-resumable-upload-protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.protocols.core import Job
from simulator.protocols.machine import Checksum, Headers, Send
from simulator.protocols.tus_fields import CONTENT_TYPE, VERSION, described
from simulator.records import Purpose

ALGORITHMS = ("sha1", "sha256", "sha512", "md5", "crc32")  # that a client can be asked for
PARTIAL = ("Upload-Concat", "partial")
CONTENT = ("Content-Type", CONTENT_TYPE)


@dataclass(frozen=True)
class Wording:
    """The requests of one upload. ``deferred`` is when its length is told: at once when empty."""

    job: Job
    deferred: str = ""
    override: bool = False
    checksum: Checksum | None = None
    partial: bool = False

    @classmethod
    def of(cls, job: Job, *, partial: bool = False) -> Wording:
        """Return what the options of *job* ask for."""
        options = job.options
        algorithm = options.get("checksum")
        checksum = Checksum("Upload-Checksum", algorithm, f"{algorithm} {{base64}}") if algorithm else None
        return cls(job, options.get("deferred", ""), bool(options.get("override")), checksum, partial)

    def tells_length(self, stop: int) -> bool:
        """Return whether an append up to *stop* tells a length that is not told yet."""
        return self.deferred == "first" or stop == self.job.size

    def creation(self, stop: int) -> Send:
        """Return the creation with the first *stop* bytes."""
        length = ("Upload-Defer-Length", "1") if self.deferred else ("Upload-Length", str(self.job.size))
        fields = [length, described(self.job.filename), *([PARTIAL] if self.partial else [])]
        if stop:
            fields.append(CONTENT)
        return self._send(Purpose.CREATE, "POST", self.job.endpoint, fields, 0, stop)

    def append(self, location: str, start: int, stop: int, *, length: bool) -> Send:
        """Return the append of the bytes from *start* up to *stop*; *length* says to tell the length, too."""
        told = [("Upload-Length", str(self.job.size))] if length else []
        fields = [("Upload-Offset", str(start)), *told, CONTENT]
        return self._send(Purpose.APPEND, "PATCH", location, fields, start, stop)

    def query(self, location: str) -> Send:
        """Return the question how much the server has."""
        return Send(Purpose.QUERY, "HEAD", location, self._headers(()))

    def termination(self, location: str) -> Send:
        """Return the request that takes an upload away."""
        return self._send(Purpose.CANCEL, "DELETE", location, (), 0, 0)

    def joining(self, parts: Iterable[str]) -> Send:
        """Return the creation of the upload that the finished *parts* make, by their URLs in order."""
        fields = [("Upload-Concat", "final;" + " ".join(parts)), described(self.job.filename)]
        return self._send(Purpose.CREATE, "POST", self.job.endpoint, fields, 0, 0)

    def _send(
        self,
        purpose: Purpose,
        method: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        start: int,
        stop: int,
    ) -> Send:
        checksum = self.checksum if stop > start else None
        if self.override and method != "POST":
            method, fields = "POST", (("X-HTTP-Method-Override", method), *fields)
        headers = self._headers(fields)
        return Send(purpose, method, target, headers, start, stop, has_body=True, checksum=checksum)

    def _headers(self, own: Iterable[tuple[str, str]]) -> Headers:
        return (("Tus-Resumable", VERSION), *own, *self.job.headers)
