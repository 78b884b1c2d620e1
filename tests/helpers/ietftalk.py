"""Conversations with the machine for resumable uploads, begun in the ways that tests need them."""

from __future__ import annotations

import json

from simulator.protocols.machine import Breach, Headers, Send
from simulator.protocols.policy import Policy
from tests.helpers.talk import Talk

ALL = (3, 4, 5, 6, 7, 8, 9)
V9 = {"upload_draft_interop_version": 9}
DRAFT_12 = "draft-ietf-httpbis-resumable-upload-12"
KNOWN = {"upload_length": 100, "upload_limit": "min-size=0", "cache_control": "no-store"}
COMPLETE, INCOMPLETE = {"upload_complete": "?1"}, {"upload_complete": "?0"}


def talk_of(interop: int = 9, way: str = "", size: int = 100, policy: Policy | None = None) -> Talk:
    return Talk("ietf", size, policy, variant=f"{interop}{way}")


def begun(interop: int = 9, size: int = 100, policy: Policy | None = None) -> Talk:
    """Return a talk whose optimistic creation is under way; a 104 told its URL."""
    talk = talk_of(interop, size=size, policy=policy)
    talk.asked = talk.machine.next()  # type: ignore[assignment]
    return talk.informs(upload_draft_interop_version=interop, location="/files/1")


def appending(interop: int = 9, size: int = 100, policy: Policy | None = None) -> Talk:
    """Return a talk whose upload exists at /files/1, has nothing yet and is about to be appended to."""
    talk = talk_of(interop, "+careful", size, policy)
    talk.hears("POST")
    return talk.answers(201, location="/files/1", upload_offset=0, **said(interop, complete=False))


def interrupted(interop: int = 9, sent: int = 60) -> Talk:
    """Return a talk whose creation was cut after its 104 and which is about to ask for the offset."""
    talk = begun(interop)
    talk.cuts(sent).sees_wait(0.0)
    talk.hears("HEAD")
    return talk


def said(interop: int, *, complete: bool) -> dict[str, str]:
    """Return what says in that version whether the upload is complete."""
    if interop == 3:
        return {"upload_incomplete": "?0" if complete else "?1"}
    return {"upload_complete": "?1" if complete else "?0"}


def field_of(send: Send, name: str) -> str | None:
    return dict(send.headers).get(name)


def problem(kind: str, title: str = "") -> tuple[Headers, bytes]:
    body = {"type": f"https://iana.org/assignments/http-problem-types#{kind}", "title": title}
    return (("content-type", "application/problem+json"),), json.dumps(body).encode()


def breaches(talk: Talk) -> list[Breach]:
    return [note for note in talk.notes if isinstance(note, Breach)]
