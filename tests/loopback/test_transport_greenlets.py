"""The transport under gevent, in a process patched as locust patches it."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.helpers.rawserver import Peer, RawServer, Script, answer
from tests.helpers.timing import best_of_three, within

pytestmark = pytest.mark.loopback
either = pytest.mark.parametrize("waiter", ["hub", "poll"])

ROOT = Path(__file__).parents[2]


def greenlets(what: str, waiter: str, server: RawServer, uploads: int, size: int, *more: str) -> Any:
    """Run the program and return what it saw."""
    arguments = [what, waiter, *map(str, server.address), str(uploads), str(size), *more]
    done = subprocess.run(
        [sys.executable, "-m", "gevent.monkey", "--module", "tests.helpers.greenlets", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def touch(peer: Peer) -> None:
    """The program's first connection says nothing."""
    peer.read_until_end()


def take(peer: Peer) -> None:
    peer.read_request()
    peer.send(answer())


def reads_nothing_until(over: threading.Event) -> Script:
    def script(peer: Peer) -> None:
        assert peer.sock.recv(1)
        assert over.wait(120)

    return script


@either
@best_of_three
def test_fifty_uploads_at_once_leave_others_their_turn(waiter: str) -> None:
    with RawServer(touch, *[take] * 50) as server:
        seen = greenlets("crowd", waiter, server, 50, 4_000_000)
    assert Counter(seen["outcomes"]) == {"200": 50}
    # Without turns the ticker waits for about as long as all uploads take; with them for a round of turns,
    # a sixteenth of that. How long a turn is, tests/fast/transport checks exactly.
    within(0, seen["late_p99"], seen["seconds"] / 4)
    assert (seen["leaked_descriptors"], seen["leaked_watchers"]) == (0, 0)


@either
def test_a_killed_upload_leaks_neither_descriptor_nor_watcher(waiter: str) -> None:
    over = threading.Event()
    with RawServer(touch, *[reads_nothing_until(over)] * 20, receive_buffer=16384) as server:
        seen = greenlets("kill", waiter, server, 20, 50_000_000)
        over.set()
    assert len(seen["outcomes"]) == 20
    assert seen["descriptors_then"] > 20
    assert (seen["leaked_descriptors"], seen["leaked_watchers"]) == (0, 0)


def test_a_transport_closed_from_another_greenlet_ends_its_upload() -> None:
    over = threading.Event()
    with RawServer(touch, *[reads_nothing_until(over)] * 5, receive_buffer=16384) as server:
        seen = greenlets("close", "hub", server, 5, 50_000_000)
        over.set()
    assert set(seen["outcomes"]) <= {"ReadError None", "WriteError None"}
    assert len(seen["outcomes"]) == 5
    assert (seen["leaked_descriptors"], seen["leaked_watchers"]) == (0, 0)


@either
def test_tls_uploads_block_and_go_on_under_gevent(waiter: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("upload.example").configure_cert(context)
    with RawServer(touch, *[take] * 8, tls=context, receive_buffer=65536) as server:
        seen = greenlets("tls", waiter, server, 8, 3_000_000, str(tmp_path / "ca.pem"))
    assert server.refused_handshakes == 1  # of the connection that says nothing
    assert Counter(seen["outcomes"]) == {"200": 8}
    assert (seen["leaked_descriptors"], seen["leaked_watchers"]) == (0, 0)
