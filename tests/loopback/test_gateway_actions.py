"""Every action of the hop against real sockets: what the client sees and what the server sees."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from simulator.records import Cause
from simulator.transport import Exchange, LinkTransport, RawHeaders, cause_of
from tests.helpers.hops import Hopping, hopping, steps
from tests.helpers.rawserver import PATIENCE_S, Peer, RawServer, answer
from tests.helpers.runs import until
from tests.helpers.served import Client, serving

pytestmark = pytest.mark.loopback

SIZE = 400_000


@contextmanager
def client_of(hop: Hopping, stall: float = PATIENCE_S) -> Iterator[httpx.Client]:
    transport = LinkTransport(dial=hop.address, send_buffer=65536)
    timeout = httpx.Timeout(stall, connect=5.0)
    with httpx.Client(transport=transport, base_url="http://x", timeout=timeout, trust_env=False) as client:
        yield client


class Seen:
    """A script for each connection to the server that notes what came, and answers what is whole."""

    def __init__(self, told: bytes | None = None, then: Callable[[Peer], None] = lambda _: None) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[int] = []
        self._told = answer("204 No Content") if told is None else told
        self._then = then

    def __call__(self, peer: Peer) -> None:
        self.heads.append(peer.read_head())
        length = int(self.heads[-1].lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
        self.bodies.append(0)
        try:
            while self.bodies[-1] < length:
                peer.read_body(1)
                self.bodies[-1] += 1
        except (EOFError, ConnectionResetError):
            return
        self._then(peer)
        peer.send(self._told)
        peer.read_until_end()


class Counting(Seen):
    """As ``Seen``, but it reads as fast as it can, to the end, and never answers."""

    def __call__(self, peer: Peer) -> None:
        self.heads.append(peer.read_head())
        self.bodies.append(-1)
        self.bodies[-1] = peer.read_until_end()


def failure_of(client: httpx.Client, size: int = SIZE) -> Cause | None:
    with pytest.raises(httpx.HTTPError) as failure:
        client.patch("/files/1", content=bytes(size))
    return cause_of(failure.value)


def test_a_status_at_the_head_is_the_hops_own_and_the_connection_lives_on(tmp_path: Path) -> None:
    script = steps(
        'when = { method = "HEAD", nth = 1 }\n'
        'do = { kind = "status", code = 503, retry_after = "2 s", cors = true }'
    )
    seen = Seen()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        Client(hop.port) as client,
    ):
        told = client.ask("HEAD", "/files/1")
        assert (told.status, told.fields["retry-after"]) == (503, "2")
        assert told.fields["access-control-allow-origin"] == "*"
        assert seen.heads == []
        assert client.ask("HEAD", "/files/1").status == 204
        hop.await_fired()
    (firing,) = hop.firings
    assert (firing["step"], firing["action"], firing["method"]) == ("status-1", "status 503", "HEAD")
    assert (firing["target"], firing["serial"], firing["body"]) == ("/files/1", 0, 0)


def test_a_status_in_mid_body_reaches_the_client_and_cuts_the_server(tmp_path: Path) -> None:
    script = steps('when = { at = "50 %" }\ndo = { kind = "status", code = 408 }')
    seen = Counting()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        assert client.patch("/files/1", content=bytes(SIZE)).status_code == 408
        until(lambda: seen.bodies == [SIZE // 2])
        hop.await_fired()
    assert hop.firings[0]["body"] == SIZE // 2


def test_a_status_may_stand_in_for_an_answer_after_the_server_stored_everything(tmp_path: Path) -> None:
    script = steps(
        'when = { method = "PATCH", at = "answer", nth = 1 }\ndo = { kind = "status", code = 502 }'
    )
    data = os.urandom(SIZE)
    with (
        serving(tmp_path) as server,
        hopping(tmp_path, ("127.0.0.1", server.port), script) as hop,
        Client(hop.port) as client,
    ):
        place = client.ask("POST", "/files/", Upload_Length=str(SIZE)).fields["location"]
        assert client.ask("PATCH", place, data, Upload_Offset="0").status == 502
        assert client.ask("HEAD", place).fields["upload-offset"] == str(SIZE)


def test_a_status_over_a_size_is_for_longer_bodies_alone(tmp_path: Path) -> None:
    script = steps('when = { over = "1000 B" }\ndo = { kind = "status", code = 413 }')
    seen = Seen()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        assert client.patch("/files/1", content=bytes(1000)).status_code == 204
        assert client.patch("/files/1", content=bytes(1001)).status_code == 413
    assert seen.bodies == [1000]


def test_a_status_may_come_with_a_reset(tmp_path: Path) -> None:
    script = steps('do = { kind = "status", code = 413, then = "reset" }')
    with RawServer() as server, hopping(tmp_path, server.address, script) as hop, Client(hop.port) as client:
        client.send("PATCH", "/files/1", length=SIZE)
        assert client.answer().status == 413
        assert client.ended()


@pytest.mark.parametrize(("how", "cause"), [("reset", Cause.RESET), ("close", Cause.CLOSED)])
def test_a_dropped_answer_was_one_to_a_request_that_arrived(tmp_path: Path, how: str, cause: Cause) -> None:
    script = steps(f'when = {{ nth = 1 }}\ndo = {{ kind = "drop-answer", how = "{how}" }}')
    seen = Seen()
    with (
        RawServer(seen, seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        assert failure_of(client, 5000) is cause
        assert seen.bodies == [5000]
        assert client.patch("/files/1", content=b"x").status_code == 204  # the second is answered
        assert hop.steps() == ["drop-answer-1"]


@pytest.mark.parametrize(
    ("kind", "at", "n", "cause"),
    [
        ("reset", "50 %", SIZE // 2, Cause.RESET),
        ("reset", "1 B", 1, Cause.RESET),
        ("reset", "100 %", SIZE, Cause.RESET),
        ("close", "50 %", SIZE // 2, Cause.CLOSED),
    ],
)
def test_a_cut_at_a_byte_lets_exactly_so_many_arrive(
    tmp_path: Path, kind: str, at: str, n: int, cause: Cause
) -> None:
    script = steps(f'when = {{ at = "{at}" }}\ndo = {{ kind = "{kind}" }}')
    seen = Counting()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        assert failure_of(client) in (cause, Cause.RESET)  # a client that writes on after a FIN is reset
        until(lambda: seen.bodies == [n])


def test_what_came_before_a_cut_arrives_though_the_server_reads_slowly(tmp_path: Path) -> None:
    script = steps('when = { at = "100 kB" }\ndo = { kind = "reset" }')
    counts: list[int] = []

    def slow(peer: Peer) -> None:
        peer.read_head()
        time.sleep(0.5)
        counts.append(peer.read_until_end())

    with (
        RawServer(slow, receive_buffer=16384) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        assert failure_of(client) is Cause.RESET
        until(lambda: counts == [100_000])


def test_a_black_hole_is_silent_and_ends_nothing_while_new_connections_pass(tmp_path: Path) -> None:
    script = steps('when = { at = "50 %", nth = 1 }\ndo = { kind = "blackhole" }')
    held = threading.Event()
    silent: list[int] = []

    def half_open(peer: Peer) -> None:
        peer.read_head()
        silent.append(len(peer.read_body(SIZE // 2)))
        peer.sock.settimeout(3.0)
        with pytest.raises(TimeoutError):
            peer.sock.recv(1)
        held.set()

    with (
        RawServer(half_open, Seen()) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop, stall=1.0) as client,
    ):
        assert failure_of(client) is Cause.STALLED
        assert client.patch("/files/1", content=b"x").status_code == 204
        assert held.wait(PATIENCE_S)
    assert silent == [SIZE // 2]


def test_a_stall_moves_nothing_for_its_time_and_then_loses_nothing(tmp_path: Path) -> None:
    script = steps('when = { at = "50 %" }\ndo = { kind = "stall", for = "1 s" }')
    data = os.urandom(SIZE)
    with (
        serving(tmp_path) as server,
        hopping(tmp_path, ("127.0.0.1", server.port), script) as hop,
        Client(hop.port) as client,
    ):
        place = client.ask("POST", "/files/", Upload_Length=str(SIZE)).fields["location"]
        begun = time.monotonic()
        client.send("PATCH", place, data, Upload_Offset="0")
        hop.await_fired()
        until(lambda: server.stored(place) == SIZE // 2)
        assert client.answer().status == 204
        assert time.monotonic() - begun >= 1.0
        assert client.ask("GET", place).content == data


def test_a_trickle_moves_so_many_bytes_a_second(tmp_path: Path) -> None:
    script = steps('when = { at = "100 B" }\ndo = { kind = "trickle", rate = "50 B/s" }')
    seen = Seen()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        begun = time.monotonic()
        assert client.patch("/files/1", content=bytes(200)).status_code == 204
        assert time.monotonic() - begun >= 1.9  # 100 bytes of it
    assert seen.bodies == [200]


def test_an_answer_can_trickle_too(tmp_path: Path) -> None:
    script = steps('when = { at = "answer 0 B" }\ndo = { kind = "trickle", rate = "50 B/s" }')
    with (
        RawServer(Seen(answer("200 OK", bytes(50)))) as server,
        hopping(tmp_path, server.address, script) as hop,
        client_of(hop) as client,
    ):
        begun = time.monotonic()
        assert client.get("/files/1").content == bytes(50)
        assert time.monotonic() - begun >= 0.9


def test_one_bit_is_flipped_and_nothing_else(tmp_path: Path) -> None:
    script = steps('when = { method = "PATCH", at = "12345 B" }\ndo = { kind = "flip", bit = 5 }')
    data = os.urandom(SIZE)
    with (
        serving(tmp_path) as server,
        hopping(tmp_path, ("127.0.0.1", server.port), script) as hop,
        Client(hop.port) as client,
    ):
        place = client.ask("POST", "/files/", Upload_Length=str(SIZE)).fields["location"]
        assert client.ask("PATCH", place, data, Upload_Offset="0").status == 204
        stored = client.ask("GET", place).content
    assert [n for n in range(SIZE) if stored[n] != data[n]] == [12345]
    assert stored[12345] ^ data[12345] == 32


@pytest.mark.parametrize(
    ("do", "seen"), [('keep = "none"', []), ('keep = "first"', [b"0"]), ('delay = "1 s"', [b"0", b"1", b"2"])]
)
def test_interim_answers_are_dropped_thinned_out_or_come_late(
    tmp_path: Path, do: str, seen: list[bytes]
) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        for n in range(3):
            peer.send(b"HTTP/1.1 104 X\r\nUpload-Offset: %d\r\n\r\n" % n)
        time.sleep(2.0)
        peer.send(answer("201 Created"))
        peer.read_until_end()

    offsets: list[bytes] = []
    moments: list[float] = []

    def informational(_status: int, headers: RawHeaders) -> None:
        offsets.append(dict(headers)[b"upload-offset"])
        moments.append(time.monotonic())

    exchange = Exchange(on_informational=informational)
    with (
        RawServer(script) as server,
        hopping(tmp_path, server.address, steps(f'do = {{ kind = "interim", {do} }}')) as hop,
        client_of(hop) as client,
    ):
        begun = time.monotonic()
        assert client.get("/", extensions={"exchange": exchange}).status_code == 201
        assert exchange.answered is not None
    assert offsets == seen
    if "delay" in do:
        assert moments[0] - begun >= 1.0
        assert moments[-1] < exchange.answered - 0.3  # late, but before the answer


def test_a_late_interim_answer_never_comes_after_the_final_one(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 104 X\r\nUpload-Offset: 0\r\n\r\n" + answer("201 Created"))
        peer.read_until_end()

    heard: list[int] = []
    exchange = Exchange(on_informational=lambda status, _: heard.append(status))
    with (
        RawServer(script) as server,
        hopping(tmp_path, server.address, steps('do = { kind = "interim", delay = "60 s" }')) as hop,
        client_of(hop) as client,
    ):
        assert client.get("/", extensions={"exchange": exchange}).status_code == 201
    assert heard == [104]


def test_a_head_that_became_a_get_is_answered_without_a_body(tmp_path: Path) -> None:
    script = steps('when = { method = "HEAD" }\ndo = { kind = "method", to = "GET" }')
    seen = Seen(answer("200 OK", b"the body of a GET"))
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        Client(hop.port) as client,
    ):
        told = client.ask("HEAD", "/files/1")
        assert (told.status, told.fields["content-length"]) == (200, "17")
        assert not client.ended(0.3)
    assert seen.heads[0].startswith(b"GET /files/1 ")


def test_fields_are_stripped_set_and_rewritten(tmp_path: Path) -> None:
    script = steps(
        'when = { at = "answer" }\n'
        'do = { kind = "fields", strip = ["upload-offset"], set = { Via = "1.1 x" }, '
        'replace = { Location = ["https:", "http:"] } }',
        'do = { kind = "fields", strip = ["Tus-Resumable"] }',
    )
    seen = Seen(answer("201 Created", b"", "Location: https://h/1", "Upload-Offset: 0"))
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
        Client(hop.port) as client,
    ):
        fields = client.ask("POST", "/files/").fields
    assert fields == {"content-length": "0", "location": "http://h/1", "via": "1.1 x"}
    assert b"tus-resumable" not in seen.heads[0].lower()


def test_a_connection_ends_at_its_age_whatever_its_progress(tmp_path: Path) -> None:
    script = steps('do = { kind = "age", after = "1 s", how = "reset" }')
    seen = Counting()
    with (
        RawServer(seen) as server,
        hopping(tmp_path, server.address, script) as hop,
    ):
        begun = time.monotonic()
        with Client(hop.port) as client:
            client.send("PATCH", "/files/1", length=SIZE)
            while not client.ended(0.05):
                try:
                    client.socket.sendall(b"progress")
                except ConnectionError:  # the end came since the look
                    break
            assert time.monotonic() - begun >= 1.0
        hop.await_fired()
        assert hop.steps() == ["age-1"]


def test_an_idle_connection_has_an_age_as_well(tmp_path: Path) -> None:
    script = steps('do = { kind = "age", after = "1 s" }')
    with (
        RawServer(Seen()) as server,
        hopping(tmp_path, server.address, script) as hop,
        Client(hop.port) as client,
    ):
        assert client.ask("HEAD", "/files/1").status == 204
        assert hop.steps() == []
        assert client.ended()
        hop.await_fired()


def test_a_buffering_hop_takes_the_whole_body_before_the_server_hears_of_it(tmp_path: Path) -> None:
    script = steps('do = { kind = "buffer" }')
    data = os.urandom(2_000_000)
    with (
        serving(tmp_path) as server,
        hopping(tmp_path, ("127.0.0.1", server.port), script) as hop,
        Client(hop.port) as client,
    ):
        place = client.ask("POST", "/files/", Upload_Length=str(len(data))).fields["location"]
        client.send("PATCH", place, data[:-1], length=len(data), Upload_Offset="0")
        hop.await_fired()
        assert server.stored(place) == 0
        client.socket.sendall(data[-1:])
        assert client.answer().status == 204
        assert client.ask("GET", place).content == data


def test_a_cut_before_a_buffering_hop_has_all_leaves_the_server_with_nothing(tmp_path: Path) -> None:
    script = steps('do = { kind = "buffer" }', 'when = { at = "50 %" }\ndo = { kind = "reset" }')
    with RawServer() as server, hopping(tmp_path, server.address, script) as hop, client_of(hop) as client:
        assert failure_of(client) is Cause.RESET
        hop.await_fired(2)
    assert server.connections == 0


def test_a_hop_that_is_killed_says_so(tmp_path: Path) -> None:
    from simulator.errors import PartDied
    from simulator.links.gateway.process import Gateway, Route

    with Gateway([Route((), ("127.0.0.1", 9))], buffer=65536, log=tmp_path / "log", sink=print) as gateway:
        os.kill(gateway.child.pid, 9)
        with pytest.raises(PartDied, match="gateway was killed by SIGKILL"):
            until(gateway.check)
