"""Where a server that is to behave badly departs from the right way; the right way knows nothing of it.

A ``Habit`` overrides some hooks. Those of the uploads are called by ``Habitual``, which takes the place
of ``Uploads``; those of the requests by the core. A server without habits has none of this in its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulator.servers.reference.append import Checksum
from simulator.servers.reference.messages import Head, Headers, Interim, Later, Reply
from simulator.servers.reference.receiving import Outcome, Receiving, Step, Stepwise
from simulator.servers.reference.resource import Limits, Upload
from simulator.servers.reference.storage import Bytes, Store
from simulator.servers.reference.uploads import Uploads


class Habit:
    """One way of behaving badly; each hook, as it stands, changes nothing."""

    def store(self, store: Store) -> Store:
        """Return what uploads are to be kept in."""
        return store

    def asked(self, head: Head) -> Head:
        """Return the request that is to be carried out."""
        return head

    def wanted(self, upload: Upload, now: float) -> None:
        """See a request for *upload* before it ends an older one's hold. May raise ``UploadError``."""

    def cut(self, uploads: Uploads, upload: Upload, now: float) -> None:
        """See that a request that wrote to *upload* was cut. May raise ``StoreError``."""

    def trusted(self, checksum: Checksum) -> Checksum:
        """Return what decides whether bytes are the expected ones."""
        return checksum

    def answered(self, head: Head, step: Step) -> Step:  # noqa: ARG002  # for those that override it
        """Return what is done with the request *head*, which should be *step*."""
        return step


class Habitual(Uploads):
    """Uploads kept by a server with *habits*."""

    def __init__(self, store: Store, limits: Limits, habits: Sequence[Habit]) -> None:
        self._habits = habits
        super().__init__(store, limits)

    def take(self, protocol: str, name: str, now: float) -> Upload:
        """Return the upload *name* once every habit has seen that it is wanted."""
        upload = self.find(protocol, name, now)
        for habit in self._habits:
            habit.wanted(upload, now)
        return super().take(protocol, name, now)

    def trusted(self, checksum: Checksum | None) -> Checksum | None:
        """Return what the habits make of *checksum*."""
        if checksum is not None:
            for habit in self._habits:
                checksum = habit.trusted(checksum)
        return checksum

    def was_cut(self, upload: Upload, now: float) -> None:
        """Let the habits see the cut."""
        for habit in self._habits:
            habit.cut(self, upload, now)


def adorned(outcome: Outcome, change: Callable[[Reply], Outcome]) -> Outcome:
    """Return *outcome* with *change* made to the reply that it is, or comes to."""
    if isinstance(outcome, Reply):
        return change(outcome)
    return _Work(outcome, change) if isinstance(outcome, Stepwise) else outcome


class Wrapping(Receiving):
    """A request with content in the hands of a habit; as it stands, nothing is changed."""

    def __init__(self, inner: Receiving) -> None:
        self.inner = inner
        self.append = inner.append

    def interim(self, now: float) -> Interim | None:
        """Return the next interim answer that is due."""
        return self.inner.interim(now)

    def data(self, piece: Bytes, now: float) -> Reply | None:
        """Take in the next bytes."""
        return self.inner.data(piece, now)

    def end(self, now: float) -> Outcome:
        """Take in that the content is whole."""
        return self.inner.end(now)

    def cut(self, now: float) -> None:
        """Take in that the rest will not come."""
        self.inner.cut(now)


class _Work(Stepwise):
    """A work whose reply is changed."""

    def __init__(self, inner: Stepwise, change: Callable[[Reply], Outcome]) -> None:
        self._inner = inner
        self._change = change

    def step(self) -> Reply | Later | None:
        """Do a little; the changed answer after the last step."""
        outcome = self._inner.step()
        if not isinstance(outcome, Reply):
            return outcome
        changed = self._change(outcome)
        assert isinstance(changed, Reply | Later), "a reply comes to a reply"
        return changed

    def cut(self, now: float = 0.0) -> None:
        """Give the work up."""
        self._inner.cut(now)


def number_in(headers: Headers, name: str) -> int | None:
    """Return the field *name* as a non-negative integer, None when it is not one."""
    for key, value in headers:
        if key.lower() == name.lower() and value.isdecimal():
            return int(value)
    return None


def with_number(headers: Headers, name: str, value: int) -> Headers:
    """Return *headers* with *value* in the field *name*."""
    return tuple((key, str(value) if key.lower() == name.lower() else old) for key, old in headers)
