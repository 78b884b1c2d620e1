"""The multipart uploads of the server in the box: an empty upload each, and one upload for every part.

    ID            protocol "s3-upload"    says for which key; expires as unfinished uploads do
    ID-00007      protocol "s3-part"      whole, published under its number; a later one takes its place

So parts survive whatever uploads survive, and nobody sees a part of a part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from simulator.servers.reference.resource import Upload, UploadError
from simulator.servers.reference.s3_xml import S3Refusal
from simulator.servers.reference.storage import StoreError
from simulator.servers.reference.uploads import Uploads

UPLOAD, PART = "s3-upload", "s3-part"
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class About:
    """What is stored of a key, or of the upload that will become it."""

    key: str
    type: str
    etag: str = ""
    modified: float = 0.0  # seconds since the epoch

    @classmethod
    def of(cls, upload: Upload) -> About:
        """Return what *upload* says of itself."""
        return cls(*json.loads(upload.metadata))

    @property
    def text(self) -> str:
        """Return it as an upload's metadata."""
        return json.dumps([self.key, self.type, self.etag, self.modified])


class Multiparts:
    """The multipart uploads of *uploads*, and their parts by number."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._parts: dict[str, dict[int, Upload]] = {
            upload.id: {} for upload in uploads.every(UPLOAD) if not upload.expired
        }
        for part in uploads.every(PART):
            name, _, number = part.id.rpartition("-")
            if name in self._parts:
                self._parts[name][int(number)] = part
            else:  # what a killed server had not yet removed
                self._drop(part)

    def create(self, name: str, about: About, now: float) -> None:
        """Begin the upload *name*. Raises ``StoreError``."""
        self._uploads.add(Upload(name, UPLOAD, metadata=about.text), now)
        self._parts[name] = {}

    def find(self, name: str, key: str, now: float) -> Upload:
        """Return the upload *name* for *key*. Raises ``S3Refusal``."""
        try:
            upload = self._uploads.find(UPLOAD, name, now)
        except UploadError as exc:
            self._clear(name)
            raise S3Refusal(404, "NoSuchUpload", "there is no such multipart upload") from exc
        if About.of(upload).key != key:
            raise S3Refusal(404, "NoSuchUpload", "the multipart upload is of another key")
        return upload

    def keep(self, name: str, number: int, part: Upload, now: float) -> None:
        """Publish *part*, staged and whole, in place of an older one. Raises ``StoreError``."""
        self._uploads.publish(part, f"{name}-{number:05}")
        self._parts[name][number] = part
        self._uploads.settle(self._uploads.find(UPLOAD, name, now), now)

    def of(self, name: str) -> dict[int, Upload]:
        """Return the parts of the upload *name* by number, in order."""
        return dict(sorted(self._parts[name].items()))

    def end(self, upload: Upload) -> None:
        """Remove *upload* and its parts: it is complete, or aborted. Raises ``StoreError``."""
        self._uploads.drop(upload)
        self._clear(upload.id)

    def _clear(self, name: str) -> None:
        for part in self._parts.pop(name, {}).values():
            self._drop(part)

    def _drop(self, part: Upload) -> None:
        try:
            self._uploads.drop(part)
        except StoreError as exc:
            self._uploads.tell(part, exc)
