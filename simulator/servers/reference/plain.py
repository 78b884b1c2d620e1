"""plain: the whole representation in one POST or PUT; what is cut leaves nothing behind.

POST /plain/        201, Location      a new resource each time
PUT  /plain/        201, Location      the same, for clients that only PUT
PUT  /plain/NAME    201                the resource NAME, replaced if it is there
GET, HEAD, DELETE /plain/NAME
"""

from __future__ import annotations

import re
from functools import partial

from simulator.servers.reference.append import Unfinished
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply
from simulator.servers.reference.receiving import Receiving, Step
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.uploads import Uploads

PATH = "/plain/"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_RESERVED = (".json", ".part", ".new")  # what the store itself appends to names


class Plain:
    """What a plain upload service does with a request to ``PATH`` or below it."""

    name = "plain"
    path = PATH
    headers: Headers = ()

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self.endpoint = {"POST": self._store, "PUT": self._store, "OPTIONS": self._discover}
        self.upload = {
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._store_as,
            "DELETE": self._remove,
            "OPTIONS": self._discover,
        }

    def admit(self, head: Head, method: str) -> None:
        """Let every request in."""

    def _discover(self, _call: Call) -> Step:
        return Reply(204, (("Allow", ", ".join(sorted({*self.endpoint, *self.upload}))),))

    def _store(self, call: Call) -> Step:
        return self._receive(call, call.fresh)

    def _store_as(self, call: Call) -> Step:
        if _NAME.fullmatch(call.name) is None or call.name.endswith(_RESERVED):
            raise Refusal(400, "a name is up to 100 letters, digits, and '-', '_', '.'")
        self._uploads.check_free(self.name, call.name)
        return self._receive(call, call.name)

    def _receive(self, call: Call, name: str) -> Step:
        if call.head.length is not None and call.head.length > self._uploads.limits.room:
            raise UploadError(Trouble.TOO_LARGE)
        upload = Upload(call.fresh, self.name, staged=True)
        append = self._uploads.append(upload, Unfinished.DROP)
        return Receiving(append, partial(self._stored, upload, name), self.headers)

    def _stored(self, upload: Upload, name: str) -> Reply:
        self._uploads.publish(upload, name)
        return Reply(201, (("Location", PATH + name),))

    def _get(self, call: Call) -> Step:
        upload = self._uploads.find(self.name, call.name, call.now)
        return Reply(200, (("Cache-Control", "no-store"),), stored=upload.blob, size=upload.offset)

    def _remove(self, call: Call) -> Step:
        self._uploads.drop(self._uploads.take(self.name, call.name, call.now))
        return Reply(204)
