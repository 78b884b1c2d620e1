"""The server without its sockets: heads, bytes, ends and cuts go in, answers and store calls come out.

    core.begin(head, now, fresh) -> Reply                           answered from its head alone
                                  | Receiving: data.. end | cut     its content goes into an upload
                                  | Stepwise: step..                a longer work, such as a copy
                                  | Later                           an answer that is held back
    core.events()                -> Superseded | Failed             what the shell must act upon
    core.sweep(now)                                                 expire what is due

Time (seconds since the epoch) and fresh ids are passed in and storage is an interface, so the same
core runs under asyncio, in virtual time and under Hypothesis. A protocol is one module over
``uploads``, entered in ``PROTOCOLS`` or ``PLACES``; an upload begun by one is not visible to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from simulator.servers.reference import google
from simulator.servers.reference.habit import Habit, Habitual
from simulator.servers.reference.ietf import Ietf
from simulator.servers.reference.messages import Call, Head, Headers, Refusal, Reply, path_of
from simulator.servers.reference.plain import Plain
from simulator.servers.reference.receiving import Step, refused
from simulator.servers.reference.resource import Limits, UploadError
from simulator.servers.reference.s3 import S3
from simulator.servers.reference.storage import Store, StoreError
from simulator.servers.reference.tus import Tus
from simulator.servers.reference.uploads import Event, Uploads

Handler = Callable[[Call], Step]
NOTHING = "there is nothing here"


class Spoken(Protocol):
    """One protocol as the core needs it: where it is spoken, and a handler for each method."""

    path: str
    headers: Headers  # of every answer

    @property
    def endpoint(self) -> Mapping[str, Handler]:
        """Return the methods of the path itself."""
        ...

    @property
    def upload(self) -> Mapping[str, Handler]:
        """Return the methods of an upload below the path."""
        ...

    def admit(self, head: Head, method: str) -> None:
        """Raise ``Refusal`` for a request that is not meant for this protocol."""
        ...


PROTOCOLS: tuple[Callable[[Uploads], Spoken], ...] = (Tus, Plain, Ietf, S3)
PLACES: tuple[Callable[[Uploads], tuple[Spoken, ...]], ...] = (google.places,)  # of those with several paths


class Core:
    """All that the server decides, and its bad *habits*, if it has any.

    Raises ``StoreError`` when *store* cannot be read at the start.
    """

    def __init__(self, store: Store, limits: Limits, habits: Sequence[Habit] = ()) -> None:
        for habit in habits:
            store = habit.store(store)
        self._habits = habits
        self._uploads = Habitual(store, limits, habits) if habits else Uploads(store, limits)
        self._protocols = (
            *(protocol(self._uploads) for protocol in PROTOCOLS),
            *(place for places in PLACES for place in places(self._uploads)),
        )

    def begin(self, head: Head, now: float, fresh: str) -> Step:
        """Take in the head of a request. *fresh* is an id that no upload has."""
        for habit in self._habits:
            head = habit.asked(head)
        step = self._begin(head, now, fresh)
        for habit in self._habits:
            step = habit.answered(head, step)
        return step

    def _begin(self, head: Head, now: float, fresh: str) -> Step:
        path = _aliased(path_of(head.target))
        for protocol in self._protocols:
            if path.startswith(protocol.path) or path + "/" == protocol.path:
                name = path[len(protocol.path) :]
                try:
                    return self._call(protocol, Call(head, name, fresh, now))
                except (Refusal, UploadError, StoreError) as exc:
                    return refused(exc, protocol.headers)
        return Reply(404, (), NOTHING)

    def events(self) -> list[Event]:
        """Return what happened since the last call that no answer tells."""
        events, self._uploads.events = self._uploads.events, []
        return events

    def sweep(self, now: float) -> None:
        """Remove uploads whose time is over."""
        self._uploads.sweep(now)

    def _call(self, protocol: Spoken, call: Call) -> Step:
        # tus 1.0, "X-HTTP-Method-Override": the actual method must be ignored
        method = call.head.fields.get("x-http-method-override", call.head.method)
        protocol.admit(call.head, method)
        handlers = protocol.upload if call.name else protocol.endpoint
        if not handlers:
            raise Refusal(404, NOTHING)
        if method not in handlers:
            raise Refusal(405, f"{method} is not for this", (("Allow", ", ".join(handlers)),))
        step = handlers[method](call)
        return step.plus(protocol.headers) if isinstance(step, Reply) else step


def _aliased(path: str) -> str:
    """Return *path* as a protocol knows it: the bucket is at the root of the host as well."""
    return S3.path + path[1:] if f"{path}/".startswith(f"/{S3.bucket}/") else path
