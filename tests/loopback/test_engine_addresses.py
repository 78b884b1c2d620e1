"""Where links listen and what they dial: IPv4 and IPv6, a port of one's own, a name with several numbers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from simulator.errors import UsageError
from simulator.links.embedded import EmbeddedEngine
from simulator.links.embedded.dial import PATIENCE
from simulator.links.engine import Address, LinkSpec
from simulator.weather.timeline import Break
from tests.contracts.check_engine import flat, happened, instant
from tests.helpers import sinks

pytestmark = pytest.mark.loopback


class Six(sinks.Echo):
    """Echoes at ::1."""

    host = "::1"


@contextmanager
def opened(spec: LinkSpec) -> Iterator[Address]:
    with EmbeddedEngine() as engine:
        yield engine.open([spec])[spec.id]


def echoes(address: Address) -> bool:
    with socket.create_connection(address, timeout=sinks.PATIENCE) as client:
        client.sendall(b"hello")
        return client.recv(5) == b"hello"


def echoes_again(address: Address) -> bool:
    try:
        return echoes(address)
    except ConnectionRefusedError:
        return False


def free_port(host: str = "127.0.0.1") -> int:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        return int(s.getsockname()[1])


@contextmanager
def nobody() -> Iterator[Address]:
    """An address that refuses: bound, so that nobody else takes it, and not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@contextmanager
def six_alone() -> Iterator[Six]:
    """A server at ::1 whose port refuses at 127.0.0.1, where nobody else has it."""
    with ExitStack() as stack:
        while True:
            server, taken = stack.enter_context(Six()), stack.enter_context(socket.socket())
            try:
                taken.bind(("127.0.0.1", server.address[1]))
            except OSError:
                continue
            yield server
            return


@contextmanager
def silence() -> Iterator[Address]:
    """An address that never answers a SYN: its accept queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()
        for filler in fillers:
            filler.close()


def test_a_link_listens_at_the_port_it_was_given_and_keeps_it_while_it_refuses() -> None:
    port = free_port()
    down = flat(breaks=[Break(0.1, "down", 3.0)])
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        address = engine.open([LinkSpec("a", "g", down, server.address, ("127.0.0.1", port))])["a"]
        assert address == ("127.0.0.1", port)
        assert echoes(address)
        engine.start("a", time.monotonic())
        sinks.wait_until(lambda: bool(happened(engine.events(1), "fault")))
        assert not echoes_again(address)
        sinks.wait_until(lambda: echoes_again(address))


def test_a_link_listens_on_ipv6_and_dials_ipv6() -> None:
    with Six() as server, opened(LinkSpec("a", "g", flat(), server.address, ("::1", 0))) as address:
        assert address[0] == "::1"
        assert echoes(address)


def test_an_ipv6_link_refuses_and_takes_connections_again() -> None:
    with Six() as server, EmbeddedEngine() as engine:
        down = flat(breaks=[Break(0.1, "down", 3.0)])
        address = engine.open([LinkSpec("a", "g", down, server.address, ("::1", 0))])["a"]
        engine.start("a", time.monotonic())
        sinks.wait_until(lambda: bool(happened(engine.events(1), "fault")))
        assert not echoes_again(address)
        sinks.wait_until(lambda: echoes_again(address))


@pytest.mark.parametrize("refusing", [nobody, silence])
def test_the_next_address_is_dialled_when_one_refuses_or_does_not_answer(refusing: object) -> None:
    with sinks.Echo() as server, refusing() as bad:  # type: ignore[operator]
        spec = LinkSpec("a", "g", flat(), bad, spares=(server.address,))
        with opened(spec) as address:
            assert echoes(address)
            assert echoes(address)


def test_a_name_is_dialled_at_all_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(_host: str, port: int, **_: object) -> list[object]:
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)), four, four]

    with six_alone() as server, EmbeddedEngine() as engine:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", found)
            spec = LinkSpec("a", "g", flat(), ("two.example", server.address[1]))
            address = engine.open([spec])["a"]
        assert echoes(address)  # at ::1, after 127.0.0.1 refused


def test_when_no_address_answers_the_client_sees_a_reset() -> None:
    with nobody() as one, nobody() as other, EmbeddedEngine() as engine:
        address = engine.open([LinkSpec("a", "g", flat(), one, spares=(other,))])["a"]
        with pytest.raises(ConnectionResetError), sinks.dial(address) as client:  # even while it dials
            client.recv(1)
        assert [e["end"] for e in happened(engine.close(), "connection")] == ["server"]


def test_a_reset_while_the_server_is_dialled_ends_the_client_and_the_dialling() -> None:
    line = flat(breaks=[instant("reset", 0.2)])
    with silence() as bad, sinks.Echo() as spare, EmbeddedEngine() as engine:
        address = engine.open([LinkSpec("a", "g", line, bad, spares=(spare.address,))])["a"]
        with sinks.dial(address) as client:
            engine.start("a", time.monotonic())
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        time.sleep(1.5 * PATIENCE)
        assert spare.arrivals == []
        assert [e["end"] for e in happened(engine.close(), "connection")] == ["reset"]


def test_a_port_in_use_is_told_in_one_line_and_the_engine_lives_on() -> None:
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        bad = LinkSpec("a", "g", flat(), server.address, server.address)
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{server.address[1]}: .*in use"):
            engine.open([LinkSpec("b", "g", flat(), server.address), bad])
        assert echoes(engine.open([LinkSpec("a", "g", flat(), server.address)])["a"])


def test_two_links_do_not_share_a_port() -> None:
    with sinks.Echo() as server, EmbeddedEngine() as engine:
        address = engine.open([LinkSpec("a", "g", flat(), server.address)])["a"]
        with pytest.raises(UsageError, match="in use"):
            engine.open([LinkSpec("b", "g", flat(), server.address, address)])


def test_a_name_without_an_address_is_refused_in_words() -> None:
    with EmbeddedEngine() as engine:
        for host in ("nowhere.invalid", "a..b", "x" * 70):
            with pytest.raises(UsageError, match="has no address"):
                engine.open([LinkSpec("a", "g", flat(), (host, 80))])
