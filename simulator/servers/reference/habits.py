"""The ways of behaving badly: ``misbehave`` has a word for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from simulator.servers.reference.append import Append, Checksum
from simulator.servers.reference.flipping import Flipping
from simulator.servers.reference.habit import Habit, Wrapping, adorned, number_in, with_number
from simulator.servers.reference.messages import Head, Headers, Interim, Later, Reply, path_of
from simulator.servers.reference.receiving import Outcome, Receiving, Step, Stepwise
from simulator.servers.reference.resource import Trouble, Upload, UploadError
from simulator.servers.reference.s3_content import S3Receiving
from simulator.servers.reference.s3_parts import PART
from simulator.servers.reference.storage import Bytes, Store
from simulator.servers.reference.uploads import Uploads

OFFSET = "Upload-Offset"


class Lock(Habit):
    """Holds an upload against every other request, and for ``seconds`` after its own was cut."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def wanted(self, upload: Upload, now: float) -> None:
        """Refuse while the upload is held."""
        if upload.append is not None or now < self._until.get(upload.id, 0.0):
            raise UploadError(Trouble.LOCKED)

    def cut(self, uploads: Uploads, upload: Upload, now: float) -> None:  # noqa: ARG002
        """Hold on."""
        self._until[upload.id] = now + self._seconds


class Forget(Habit):
    """Removes an upload at each ``every``-th cut."""

    def __init__(self, every: float) -> None:
        self._every = int(every)
        self._cuts = 0

    def cut(self, uploads: Uploads, upload: Upload, now: float) -> None:  # noqa: ARG002
        """Count, and forget."""
        self._cuts += 1
        if self._cuts % self._every == 0 and uploads.has(upload):
            uploads.drop(upload)


class Corrupt(Habit):
    """Stores byte ``at`` of every upload with one bit flipped."""

    def __init__(self, at: float) -> None:
        self._at = int(at)

    def store(self, store: Store) -> Store:
        """Return a store that does so."""
        return Flipping(store, self._at)


class AcceptCorrupt(Habit):
    """Takes every checksum and digest for right."""

    def __init__(self, _value: float) -> None:
        pass

    def trusted(self, checksum: Checksum) -> Checksum:
        """Return one that always matches."""
        return _Agreeing(checksum)


class _Agreeing(Checksum):
    def __init__(self, checksum: Checksum) -> None:
        self._checksum = checksum

    def update(self, piece: Bytes) -> None:
        self._checksum.update(piece)

    def matches(self) -> bool:
        return True


class Buffer(Habit):
    """Keeps a request's content in memory, and stores it at the request's end: a cut loses all of it."""

    def __init__(self, _value: float) -> None:
        pass

    def answered(self, head: Head, step: Step) -> Step:  # noqa: ARG002
        """Put the content off."""
        return _Buffered(step) if isinstance(step, Receiving) else step


class _Buffered(Wrapping):
    def __init__(self, inner: Receiving) -> None:
        super().__init__(inner)
        self._held = bytearray()

    def data(self, piece: Bytes, now: float) -> Reply | None:  # noqa: ARG002
        self._held += piece
        return None

    def end(self, now: float) -> Outcome:
        return self.inner.data(self._held, now) or self.inner.end(now)


class No104(Habit):
    """Gives no interim answer."""

    def __init__(self, _value: float) -> None:
        pass

    def answered(self, head: Head, step: Step) -> Step:  # noqa: ARG002
        """Take what would tell them away."""
        return _Mute(step) if isinstance(step, Receiving) else step


class _Mute(Wrapping):
    def interim(self, now: float) -> Interim | None:  # noqa: ARG002
        return None


class Hold(Habit):
    """Holds back the answer that completes an upload, which is stored by then."""

    def __init__(self, seconds: float, meanwhile: Interim | None = None, every: float = 1.0) -> None:
        self._seconds = seconds
        self._meanwhile = meanwhile
        self._every = every

    def answered(self, head: Head, step: Step) -> Step:  # noqa: ARG002
        """Let the answer go its way, and hold it at the end."""
        if isinstance(step, Receiving):
            return _Held(step, self._held)
        return adorned(step, self._held) if isinstance(step, Stepwise) else step

    def _held(self, reply: Reply) -> Outcome:
        return Later(reply, self._seconds, self._meanwhile, self._every)


class _Held(Wrapping):
    def __init__(self, inner: Receiving, hold: Callable[[Reply], Outcome]) -> None:
        super().__init__(inner)
        self._hold = hold

    def end(self, now: float) -> Outcome:
        return adorned(self.inner.end(now), self._held)

    def _held(self, reply: Reply) -> Outcome:
        return self._hold(reply) if self._completes else reply

    @property
    def _completes(self) -> bool:
        """Return whether an upload is whole by this request; a part of S3 is only a part."""
        append = self.append
        if isinstance(append, Append):
            return append.upload.complete and append.upload.protocol != PART
        return isinstance(self.inner, S3Receiving)  # its completion goes into no upload, but names the parts


class Retelling(Habit):
    """Changes the offsets that answers tell; ``told`` sees each."""

    def told(self, path: str, method: str, headers: Headers, offset: int) -> int:
        """Return the offset to tell of *path* in place of *offset*."""
        raise NotImplementedError

    def answered(self, head: Head, step: Step) -> Step:
        """See the offset of every answer."""
        if isinstance(step, Receiving):
            return _Retold(step, partial(self._retold, head))
        if isinstance(step, Reply):
            return replace(step, headers=self._retold(head, step.headers))
        return step

    def _retold(self, head: Head, headers: Headers) -> Headers:
        offset = number_in(headers, OFFSET)
        if offset is None:
            return headers
        path = path_of(dict(headers).get("Location", head.target))
        return with_number(headers, OFFSET, self.told(path, head.method, headers, offset))


class _Retold(Wrapping):
    def __init__(self, inner: Receiving, change: Callable[[Headers], Headers]) -> None:
        super().__init__(inner)
        self._change = change

    def interim(self, now: float) -> Interim | None:
        interim = self.inner.interim(now)
        return None if interim is None else replace(interim, headers=self._change(interim.headers))

    def data(self, piece: Bytes, now: float) -> Reply | None:
        reply = self.inner.data(piece, now)
        return None if reply is None else self._reply(reply)

    def end(self, now: float) -> Outcome:
        return adorned(self.inner.end(now), self._reply)

    def _reply(self, reply: Reply) -> Reply:
        return replace(reply, headers=self._change(reply.headers))


class Regress(Retelling):
    """Answers a query with half of the greatest offset that it told before."""

    def __init__(self, _value: float) -> None:
        self._promised: dict[str, int] = {}

    def told(self, path: str, method: str, headers: Headers, offset: int) -> int:  # noqa: ARG002
        """Return the truth but for a query after a promise."""
        promised = self._promised.get(path, 0)
        self._promised[path] = max(promised, offset)
        return promised // 2 if method == "HEAD" and promised else offset


class WrongOffset(Retelling):
    """Claims ``more`` bytes than it has, from the first query of an unfinished upload on, to its end."""

    def __init__(self, more: float) -> None:
        self._more = int(more)
        self._claims: dict[str, int] = {}

    def asked(self, head: Head) -> Head:
        """Take the claim off what a client says, for it believed it."""
        claim = self._claims.get(path_of(head.target), 0)
        text = head.fields.get("upload-offset", "")
        if not claim or not text.isdecimal() or int(text) < claim:
            return head
        return replace(head, fields={**head.fields, "upload-offset": str(int(text) - claim)})

    def told(self, path: str, method: str, headers: Headers, offset: int) -> int:
        """Return the offset with the claim on it."""
        length = number_in(headers, "Upload-Length")
        if method == "HEAD" and path not in self._claims and 0 < offset != length:
            self._claims[path] = self._more if length is None else min(self._more, length - offset)
        return offset + self._claims.get(path, 0)
