"""toxiproxy's clients, unchanged, against ``simsim engine``: each is told what the original tells it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from simulator.servers import install
from tests.helpers import sinks
from tests.helpers.engines import Engine, simsim_engine, toxiproxy_server

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
CLI = "github.com/Shopify/toxiproxy/v2/cmd/cli@v2.12.0"
NODE_CLIENT = "toxiproxy-node-client@4.1.0"
Talk = Callable[[Engine, str], list[Any]]


@pytest.fixture(scope="module")
def engines(toxiproxy: str) -> Iterator[tuple[Engine, Engine]]:
    with socket.create_server(("127.0.0.1", 0)) as scout:
        port = scout.getsockname()[1]
    with simsim_engine() as ours, toxiproxy_server(toxiproxy, port) as original:
        yield ours, original


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with sinks.Echo() as server:
        yield f"127.0.0.1:{server.address[1]}"


@pytest.fixture(scope="session")
def go() -> str:
    found = install.find_program("go")
    assert found is not None, "Go is not here: simsim servers install tusd brings it"
    return found


def run(*command: str, env: dict[str, str] | None = None, cwd: Path = HERE) -> str:
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    assert told.returncode == 0, told.stderr or told.stdout
    return told.stdout


def told_alike(engines: tuple[Engine, Engine], talk: Talk, echo: str, least: int) -> None:
    """Fail unless *talk* is told the same by ours as by the original, in at least *least* lines."""
    ours, original = (talk(engine, echo) for engine in engines)
    assert ours == original
    assert len(ours) >= least


def lines(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_go_client_is_told_the_same(
    engines: tuple[Engine, Engine], echo: str, go: str, tmp_path: Path
) -> None:
    run(go, "build", "-o", str(tmp_path / "session"), ".", cwd=HERE / "go")

    def talk(engine: Engine, echo: str) -> list[Any]:
        return lines(run(str(tmp_path / "session"), f"127.0.0.1:{engine.port}", echo))

    told_alike(engines, talk, echo, least=12)


def test_the_node_client_is_told_the_same(engines: tuple[Engine, Engine], echo: str, tmp_path: Path) -> None:
    run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), NODE_CLIENT)
    env = {"NODE_PATH": str(tmp_path / "node_modules")}

    def talk(engine: Engine, echo: str) -> list[Any]:
        return lines(run("node", "node/session.cjs", f"http://127.0.0.1:{engine.port}", echo, env=env))

    told_alike(engines, talk, echo, least=10)


def test_the_command_line_of_toxiproxy_is_told_the_same(
    engines: tuple[Engine, Engine], echo: str, go: str, tmp_path: Path
) -> None:
    run(go, "install", CLI, env={"GOBIN": str(tmp_path)})

    def talk(engine: Engine, echo: str) -> list[Any]:
        def cli(*words: str) -> str:
            command = [str(tmp_path / "cli"), "--host", f"http://127.0.0.1:{engine.port}", *words]
            told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            return f"{told.returncode} {re.sub(r'127.0.0.1:[0-9]+', 'ADDRESS', told.stdout + told.stderr)}"

        return [
            cli("create", "--listen", "127.0.0.1:0", "--upstream", echo, "p"),
            cli("create", "--listen", "127.0.0.1:0", "--upstream", echo, "p"),
            cli("toxic", "add", "-t", "latency", "-n", "slow", "-a", "latency=300", "-a", "jitter=5", "p"),
            cli("toxic", "add", "-t", "bandwidth", "--upstream", "--toxicity", "0.5", "-a", "rate=100", "p"),
            cli("toxic", "add", "-t", "slicer", "-a", "average_size=64", "-a", "delay=5", "p"),
            cli("toxic", "add", "-t", "nope", "p"),
            cli("toxic", "update", "-n", "slow", "-a", "latency=10", "p"),
            cli("inspect", "p"),
            cli("toxic", "remove", "-n", "slow", "p"),
            cli("toxic", "remove", "-n", "slow", "p"),
            cli("toggle", "p"),
            cli("list"),
            cli("toggle", "p"),
            cli("delete", "p"),
            cli("inspect", "p"),
            cli("list"),
        ]

    told_alike(engines, talk, echo, least=16)


def test_toxiproxy_python_is_told_the_same(engines: tuple[Engine, Engine], echo: str) -> None:
    told_alike(engines, _python_session, echo, least=12)


def _python_session(engine: Engine, echo: str) -> list[Any]:
    """The whole of toxiproxy-python: what it is told."""
    toxiproxy = Toxiproxy()
    toxiproxy.update_api_consumer("127.0.0.1", engine.port)
    said: list[Any] = [toxiproxy.running(), "version" in json.loads(toxiproxy.version())]
    proxy = toxiproxy.create(upstream=echo, name="p")
    said += [proxy.name, proxy.enabled, trip(proxy.listen) >= 0]
    proxy.add_toxic(name="slow", type="latency", attributes={"latency": 300})
    proxy.add_toxic(type="bandwidth", stream="upstream", toxicity=0.5, attributes={"rate": 100_000})
    said += [trip(proxy.listen) >= 0.3, {name: vars(toxic) for name, toxic in proxy.toxics().items()}]
    said += [raised(lambda: proxy.add_toxic(type="nope"), InvalidToxic)]
    said += [raised(lambda: toxiproxy.create(upstream=echo, name="p"), ProxyExists)]
    proxy.destroy_toxic("slow")
    said += [raised(lambda: proxy.destroy_toxic("slow"), NotFound), list(proxy.toxics())]
    with proxy.down():
        said += [raised(lambda: trip(proxy.listen), ConnectionRefusedError), toxiproxy.get_proxy("p").enabled]
    said += [trip(proxy.listen) >= 0]
    made = toxiproxy.populate([{"name": "q", "upstream": echo, "listen": "127.0.0.1:0"}])
    said += [[each.name for each in made], toxiproxy.reset(), list(proxy.toxics())]
    toxiproxy.destroy_all()
    return [*said, toxiproxy.proxies()]


def trip(listen: str) -> float:
    """Return the seconds for bytes to come back through the proxy at *listen*."""
    host, _, port = listen.rpartition(":")
    begun = time.monotonic()
    with sinks.dial((host, int(port))) as client:
        client.sendall(b"0123456789" * 100)
        got = b""
        while len(got) < 1000:
            got += client.recv(1000)
        assert got == b"0123456789" * 100
    return time.monotonic() - begun


def raised(call: Callable[[], object], kind: type[Exception]) -> str:
    """Return the words of the exception that *call* raises."""
    with pytest.raises(kind) as caught:
        call()
    return re.sub(r"\d{5}", "PORT", str(caught.value))
