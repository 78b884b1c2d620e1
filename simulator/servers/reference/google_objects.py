"""Objects: what a finished session of Google's protocol becomes, told as JSON and read back.

GET /download/storage/v1/b/simsim/o/NAME?alt=media             the bytes
GET /storage/v1/b/simsim/o/NAME                                its resource; its bytes with alt=media
DELETE /storage/v1/b/simsim/o/NAME

Objects of one name are told apart by their generation, a parameter of the query; without one it is
the newest that is meant. The names of the resource's fields are those of "Objects" in the JSON API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

from simulator.servers.reference.google_fields import described, wanted
from simulator.servers.reference.google_hash import Digests
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply
from simulator.servers.reference.receiving import Step
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.uploads import Failed, Uploads

NAME = "google"
BUCKET = "simsim"
OBJECTS_PATH = f"/storage/v1/b/{BUCKET}/o/"
MEDIA_PATH = "/download" + OBJECTS_PATH
NO_STORE = ("Cache-Control", "no-store")

Methods = Mapping[str, Callable[[Call], Step]]


class Objects:
    """The finished uploads by name and generation."""

    def __init__(self, uploads: Uploads, digests: Digests) -> None:
        self._uploads = uploads
        self._digests = digests
        self._ids: dict[str, dict[int, str]] = {}
        self._newest = 0
        for upload in uploads.every(NAME):
            self._recover(upload)

    def new_generation(self, now: float) -> int:
        """Return a number that no object has yet: microseconds since the epoch, as Google's are."""
        self._newest = max(self._newest + 1, int(now * 1_000_000))
        return self._newest

    def enter(self, upload: Upload) -> None:
        """Take in that *upload* is complete."""
        known = described(upload.metadata)
        self._ids.setdefault(known.name, {})[known.generation] = upload.id

    def find(self, call: Call) -> Upload:
        """Return the object that a request names. Raises ``UploadError``, and ``Refusal``."""
        generations = self._ids.get(unquote(call.name), {})
        wanted = call.head.query.get("generation", "")
        if wanted and not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 19):
            raise Refusal(400, "generation must be a number")
        generation = int(wanted) if wanted else max(generations, default=0)
        if generation not in generations:
            raise UploadError(Trouble.MISSING)
        return self._uploads.find(NAME, generations[generation], call.now)

    def remove(self, upload: Upload) -> None:
        """Remove an object. Raises ``StoreError``."""
        known = described(upload.metadata)
        self._uploads.drop(upload)
        self._digests.forget(upload)
        del self._ids[known.name][known.generation]

    def resource(self, upload: Upload, head: Head, fields: str) -> Reply:
        """Return *fields* of what is known of a complete *upload*; none is all. Raises ``StoreError``."""
        known = described(upload.metadata)
        place, generation = quote(known.name, safe=""), str(known.generation)
        said = {
            "kind": "storage#object",
            "id": f"{BUCKET}/{known.name}/{generation}",
            "selfLink": f"{head.origin}{OBJECTS_PATH}{place}",
            "mediaLink": f"{head.origin}{MEDIA_PATH}{place}?generation={generation}&alt=media",
            "name": known.name,
            "bucket": BUCKET,
            "generation": generation,
            "metageneration": "1",
            "contentType": known.content_type,
            "size": str(upload.offset),
        }
        if wanted("md5Hash", fields):
            said["md5Hash"] = self._digests.of(upload)
        content = json.dumps({name: said[name] for name in said if wanted(name, fields)}).encode()
        return Reply(200, (NO_STORE,), content=content, content_type="application/json; charset=UTF-8")

    def media(self, upload: Upload) -> Reply:
        """Return the bytes of an object."""
        known = described(upload.metadata)
        return Reply(
            200, (NO_STORE,), stored=upload.blob, size=upload.offset, content_type=known.content_type
        )

    def _recover(self, upload: Upload) -> None:
        """Take in a session of an earlier server; one that makes no sense is told and left alone."""
        try:
            known = described(upload.metadata)
        except StoreError as exc:
            self._uploads.events.append(Failed(f"upload {upload.id}: {exc}"))
            return
        self._newest = max(self._newest, known.generation)
        if upload.complete:
            self.enter(upload)


class Media:
    """Where the bytes of objects are read."""

    path = MEDIA_PATH
    headers: Headers = ()

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.endpoint: Methods = {}
        self.upload: Methods = {"GET": self._get, "HEAD": self._get}

    def admit(self, head: Head, method: str) -> None:
        """Let every request in."""

    def _get(self, call: Call) -> Step:
        return self._objects.media(self._objects.find(call))


class Resources:
    """Where the resources of objects are read, and objects removed."""

    path = OBJECTS_PATH
    headers: Headers = ()

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.endpoint: Methods = {}
        self.upload: Methods = {"GET": self._get, "HEAD": self._get, "DELETE": self._remove}

    def admit(self, head: Head, method: str) -> None:
        """Let every request in."""

    def _get(self, call: Call) -> Step:
        upload = self._objects.find(call)
        if call.head.query.get("alt") == "media":
            return self._objects.media(upload)
        return self._objects.resource(upload, call.head, call.head.query.get("fields", ""))

    def _remove(self, call: Call) -> Step:
        self._objects.remove(self._objects.find(call))
        return Reply(204)
