"""All uploads of a server: the one model under every protocol that it speaks.

    create --> append --> append --> ... --> complete --> read
                 |  ^
                 +--+ cut, or its hold ended by a newer request: what arrived is kept

An upload has at most one ``Append``, and only that one writes. Whoever wants the upload next
(``take``) ends it first, so the offset then seen is final until somebody appends again: there are
never two writers, and never a late one. An offset is told only after the append was closed, hence
after its bytes were given to the store; at start the offset is the size of the blob.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.servers.reference.append import Append, Checksum, Unfinished
from simulator.servers.reference.resource import Limits, Trouble, Upload, UploadError, from_info
from simulator.servers.reference.storage import Blob, Found, Store, StoreError

TOMBSTONE_S = 86400.0  # how long an expired upload is answered by 410 rather than 404


@dataclass(frozen=True, slots=True)
class Superseded:
    """Event: *append* lost its hold to a newer request; its connection is of no more use."""

    append: Append


@dataclass(frozen=True, slots=True)
class Failed:
    """Event: the store, or something in it, failed where no request could be told."""

    why: str


Event = Superseded | Failed


class Uploads:
    """The uploads in *store*, by id. ``events`` gathers what the shell must act upon."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store = store
        self.limits = limits
        self.events: list[Event] = []
        self._by_id: dict[str, Upload] = {}
        for found in store.load():
            self._recover(found)

    def find(self, protocol: str, name: str, now: float) -> Upload:
        """Return the upload *name* that *protocol* began. Raises ``UploadError``."""
        upload = self._by_id.get(name)
        if upload is None or upload.protocol != protocol:
            raise UploadError(Trouble.MISSING)
        if self._due(upload, now):
            self._expire(upload)
        if upload.expired:
            raise UploadError(Trouble.EXPIRED)
        return upload

    def every(self, protocol: str) -> list[Upload]:
        """Return all uploads that *protocol* began, expired ones too."""
        return [upload for upload in self._by_id.values() if upload.protocol == protocol]

    def take(self, protocol: str, name: str, now: float) -> Upload:
        """Return the upload *name* after ending the hold of an older request. Raises ``UploadError``."""
        upload = self.find(protocol, name, now)
        older = upload.append
        if older is None:
            return upload
        older.cut(now)
        self.events.append(Superseded(older))
        return self.find(protocol, name, now)

    def add(self, upload: Upload, now: float) -> None:
        """Store a new, empty upload. Raises ``StoreError``, and then nothing of it is there."""
        if not upload.complete:
            upload.expires = self._expiry(upload, now)
        blob = self.store.create(upload.blob)
        try:
            self.save(upload)
        except StoreError:
            self.store.remove(upload.id)
            raise
        finally:
            blob.close()
        self._by_id[upload.id] = upload

    def adopt(self, upload: Upload) -> None:
        """Store the info of an upload whose blob is already whole. Raises ``StoreError``."""
        self.save(upload)
        self._by_id[upload.id] = upload

    def append(
        self,
        upload: Upload,
        unfinished: Unfinished = Unfinished.KEEP,
        checksum: Checksum | None = None,
        most: int | None = None,
    ) -> Append:
        """Return the new writer of *upload*, which nobody holds; it takes up to *most* bytes.

        Raises ``StoreError``.
        """
        blob = self.store.create(upload.blob) if upload.staged else self.store.open(upload.blob)
        try:
            if upload.untidy:
                self.trim(upload, blob)
            if checksum is not None and not upload.staged:
                upload.verified = upload.offset
                self.save(upload)
        except StoreError:
            blob.close()
            raise
        limit = self.limits.room if upload.length is None else upload.length
        if most is not None:
            limit = min(limit, upload.offset + most)
        upload.append = Append(
            self, upload, blob, limit=limit, unfinished=unfinished, checksum=self.trusted(checksum)
        )
        return upload.append

    def trusted(self, checksum: Checksum | None) -> Checksum | None:
        """Return what decides whether bytes are the expected ones."""
        return checksum

    def has(self, upload: Upload) -> bool:
        """Return whether *upload* is still there."""
        return self._by_id.get(upload.id) is upload

    def publish(self, upload: Upload, name: str) -> None:
        """Let a staged upload, now whole, be seen as *name*, in place of what had that name.

        The last step is one rename, so a killed server leaves the old bytes or the new ones.
        Raises ``UploadError`` for the name of another protocol's upload, and ``StoreError``; then
        the upload is gone.
        """
        staged, upload.staged = upload.blob, False
        upload.id, upload.length, upload.whole = name, upload.offset, True
        try:
            self.check_free(upload.protocol, name)
            self.save(upload)
            self.store.rename(staged, name)
        except (UploadError, StoreError):
            self.store.discard(staged)
            if name not in self._by_id:
                self.store.remove(name)
            raise
        self._by_id[name] = upload

    def check_free(self, protocol: str, name: str) -> None:
        """Raise ``UploadError`` when *name* belongs to an upload of another protocol."""
        there = self._by_id.get(name)
        if there is not None and there.protocol != protocol:
            raise UploadError(Trouble.TAKEN)

    def drop(self, upload: Upload) -> None:
        """Remove *upload* and its bytes. Raises ``StoreError``."""
        if upload.staged:
            self.store.discard(upload.blob)
        else:
            self.store.remove(upload.id)
            del self._by_id[upload.id]

    def settle(self, upload: Upload, now: float) -> None:
        """Write down that all bytes up to the offset count; put the expiry off. Raises ``StoreError``."""
        if upload.staged:
            return
        expires = self._expiry(upload, now)
        if (expires, None) != (upload.expires, upload.verified):
            upload.expires, upload.verified = expires, None
            self.save(upload)

    def fix_length(self, upload: Upload, length: int) -> None:
        """Set the length that was not known so far. Raises ``StoreError``, and then it still is not."""
        upload.length = length
        try:
            self.save(upload)
        except StoreError:
            upload.length = None
            raise

    def complete(self, upload: Upload) -> None:
        """End a pending upload by its client's word. Raises ``StoreError``, and then it still is pending."""
        before = upload.length, upload.expires
        upload.length, upload.expires, upload.pending = upload.offset, None, False
        try:
            self.save(upload)
        except StoreError:
            (upload.length, upload.expires), upload.pending = before, True
            raise

    def trim(self, upload: Upload, blob: Blob) -> None:
        """Cut the blob back to the offset. Raises ``StoreError``; then the next append tries again."""
        upload.untidy = True
        blob.truncate(upload.offset)
        blob.keep()
        upload.verified = None
        self.save(upload)
        upload.untidy = False

    def tidy(self, upload: Upload) -> None:
        """Cut the blob of *upload*, which nobody writes, back to the offset. Raises ``StoreError``."""
        if upload.untidy:
            blob = self.store.open(upload.blob)
            try:
                self.trim(upload, blob)
            finally:
                blob.close()

    def save(self, upload: Upload) -> None:
        """Store what is known of *upload* beside its bytes. Raises ``StoreError``."""
        self.store.save(upload.id, upload.info)

    def was_cut(self, upload: Upload, now: float) -> None:
        """Take note that an append to *upload* was cut: nothing more is to be done."""

    def tell(self, upload: Upload, error: StoreError) -> None:
        """Note a failure that no request can be told of."""
        self.events.append(Failed(f"upload {upload.id}: {error}"))

    def sweep(self, now: float) -> None:
        """Expire what is due, and forget what expired long ago."""
        for upload in [one for one in self._by_id.values() if one.expires is not None]:
            try:
                if self._due(upload, now):
                    self._expire(upload)
                elif upload.expired and now >= (upload.expires or 0.0) + TOMBSTONE_S:
                    self.drop(upload)
            except StoreError as exc:
                self.tell(upload, exc)

    def _expiry(self, upload: Upload, now: float) -> float | None:
        """Return when *upload* will expire; only unfinished ones do (tus 1.0, "Expiration")."""
        if upload.complete:
            return None
        return upload.expires if self.limits.expires is None else now + self.limits.expires

    def _due(self, upload: Upload, now: float) -> bool:
        waiting = not upload.expired and upload.append is None and not upload.complete
        return waiting and upload.expires is not None and upload.expires <= now

    def _expire(self, upload: Upload) -> None:
        upload.expired = True
        self.save(upload)
        self.store.discard(upload.blob)

    def _recover(self, found: Found) -> None:
        """Take in what an earlier server left; what makes no sense is told and left alone."""
        try:
            upload = from_info(found.id, found.info)
            if not upload.expired:
                self._measure(upload, found.size)
        except (ValueError, StoreError) as exc:
            self.events.append(Failed(str(exc)))
        else:
            self._by_id[upload.id] = upload

    def _measure(self, upload: Upload, size: int | None) -> None:
        """Set the offset from the blob, less what an unfinished append could not verify."""
        if size is None:
            raise ValueError(f"upload {upload.id}: its bytes are missing")
        if upload.whole:
            upload.length = size
        if upload.length is not None and size > upload.length:
            raise ValueError(f"upload {upload.id}: {size} bytes, but its length is {upload.length}")
        upload.untidy = upload.verified is not None
        upload.offset = size if upload.verified is None else min(size, upload.verified)
