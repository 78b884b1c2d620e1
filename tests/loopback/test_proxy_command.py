"""simsim proxy as a process: what it prints, obeys, survives and leaves behind."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from pathlib import Path

import httpx
import pytest

from tests.helpers import sinks
from tests.helpers.proxies import PATIENCE, ROOT, proxying

pytestmark = pytest.mark.loopback


def target(server: sinks.Server) -> str:
    return f"{server.address[0]}:{server.address[1]}"


def echoes(address: tuple[str, int]) -> bool:
    with sinks.dial(address) as client:
        client.sendall(b"x")
        return client.recv(1) == b"x"


def free_ports(n: int) -> int:
    """Return the first of *n* ports in a row that are free."""
    for port in range(20000, 32000, n):
        try:
            for each in range(port, port + n):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port
    pytest.fail("no ports in a row are free")


def test_a_link_leads_to_its_server_and_q_ends_it_with_a_summary() -> None:
    with sinks.Echo() as server, proxying("wifi", "--upstream", target(server)) as proxy:
        assert echoes(proxy.addresses[0])
        proxy.wait_for("ended by the client: 1 B up, 1 B down")
        proxy.press("q")
        assert proxy.process.wait(PATIENCE) == 0
        assert proxy.wait_for("carried 1 B up and 1 B down over 1 connection")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_ordinary_end(number: int) -> None:
    with sinks.Echo() as server, proxying("wifi", "--upstream", target(server)) as proxy:
        with sinks.dial(proxy.addresses[0]) as client:
            client.sendall(b"x")
            client.recv(1)
            proxy.wait_for("wifi, seed 1")
            assert proxy.end(number) == 0
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        proxy.wait_for("open until the end: 1 B up, 1 B down")
        proxy.wait_for("over 1 connection")


def test_keys_strike_now_the_link_that_was_chosen() -> None:
    with (
        sinks.Echo() as server,
        proxying("clean", "--upstream", target(server), "--links", "2", links=2) as p,
    ):
        first, second = (sinks.dial(address) for address in p.addresses)
        with first, second:
            for client in (first, second):
                client.sendall(b"x")
                assert client.recv(1) == b"x"
            p.press("2")
            p.press("cut")
            assert "link 2" in p.wait_for("reset: 1 connection")
            with pytest.raises(ConnectionResetError):
                second.recv(1)
            p.press("1")
            p.press("s")
            assert "link 1" in p.wait_for("stall for 5 s")
            began = time.monotonic()
            first.sendall(b"y")
            assert first.recv(1) == b"y"
            assert time.monotonic() - began > 2
            p.press("0")
            p.press("h")
            p.wait_for("handover for 1 s", 2)
            p.press("d")
            p.wait_for("down for 5 s", 2)
            with pytest.raises(ConnectionRefusedError):
                sinks.dial(p.addresses[0])
            p.press("z")
            p.wait_for("'z' is no key")
            p.press("q")
            assert p.process.wait(PATIENCE) == 0
        p.wait_for("6 faults, 6 of them by hand")


def test_links_take_ports_in_a_row_and_each_has_its_own_users_weather() -> None:
    port = free_ports(3)
    words = ("mobile-flaky", "--port", str(port), "--links", "3", "--user", "4", "--for", "12 s")
    with sinks.Echo() as server, proxying(*words, "--upstream", target(server), links=3) as proxy:
        assert proxy.addresses == [("127.0.0.1", port + n) for n in range(3)]
        assert proxy.process.wait(PATIENCE) == 0
        struck = {n: [line.split("  ")[-1] for line in proxy.said(f"link {n}")] for n in (1, 2, 3)}
        assert struck[1] != struck[2] != struck[3]
        assert sum(map(len, struck.values())) > 5


SHORT = """
summary = "a reset half a second after the start"
link = { up = "8 Mbit/s", down = "8 Mbit/s", delay = "1 ms", jitter = "0 s", queue = "64 KiB" }
weather.events = [{ kind = "reset", at = "500 ms" }]
workload = { users = 1, uploads = 1, size = "1 MB", spawn_rate = 1, deadline = "60 s" }
"""


def test_a_weather_that_is_over_begins_again_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text(SHORT)
    code = (
        "import sys, simulator.cli.proxy as proxy, simulator.cli.linksession as session\n"
        "from simulator.cli.main import main\n"
        "proxy.HOUR, session.AHEAD = 2.0, 0.5\n"
        "sys.exit(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "proxy", str(tmp_path / "short.toml")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stderr is not None
        assert "short.toml, seed 1" in process.stderr.readline()
        said = [process.stderr.readline().split(maxsplit=4) for _ in range(5)]
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert [words[4].strip() for words in said] == ["reset", "the weather begins again"] * 2 + ["reset"]
    # A busy machine may be late, but never early.
    late = [float(words[0]) - due for words, due in zip(said, (0.5, 2.0, 2.5, 4.0, 4.5), strict=True)]
    assert all(-0.05 <= each < 1.5 for each in late), said


def test_without_an_upstream_it_is_a_proxy_and_says_whom_it_refused() -> None:
    with (
        sinks.Answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server,
        proxying("wifi") as proxy,
    ):
        with httpx.Client(proxy=proxy.url, trust_env=False) as client:
            assert client.get("http://192.0.2.1/").status_code == 403
            proxy.wait_for("cannot have 192.0.2.1:80: this would leave the machine")
        with sinks.dial(proxy.addresses[0]) as client:
            client.sendall(f"GET http://{target(server)}/ HTTP/1.0\r\n\r\n".encode())
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(100), b"")).endswith(b"ok")


def test_ipv6_on_both_sides() -> None:
    class Six(sinks.Echo):
        host = "::1"

    with Six() as server:
        upstream = f"[::1]:{server.address[1]}"
        with proxying("wifi", "--upstream", upstream, "--listen", "[::1]:0") as proxy:
            assert proxy.addresses[0][0] == "::1"
            with socket.create_connection(proxy.addresses[0], timeout=sinks.PATIENCE) as client:
                client.sendall(b"x")
                assert client.recv(1) == b"x"


def test_a_port_in_use_is_one_line() -> None:
    with sinks.Echo() as server:
        port = str(server.address[1])
        command = [sys.executable, "-m", "simulator", "proxy", "wifi", "--port", port]
        told = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False
        )
        assert (told.returncode, told.stdout) == (2, "")
        assert told.stderr == f"simsim: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_binding_beyond_loopback_is_said() -> None:
    with proxying("wifi", "--bind", "0.0.0.0") as proxy:
        proxy.wait_for("whoever reaches this machine can use it")


def test_an_engine_that_dies_is_told_with_exit_code_3() -> None:
    with proxying("wifi") as proxy:
        proxy.wait_for("wifi, seed 1")
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(proxy.process.pid)], capture_output=True, text=True, check=True
        )
        (engine,) = map(int, children.stdout.split())
        os.kill(engine, signal.SIGKILL)
        assert proxy.process.wait(PATIENCE) == 3
        proxy.wait_for("the engine ended by itself, killed by signal 9")


def test_killing_it_leaves_nothing_listening() -> None:
    with proxying("wifi") as proxy:
        proxy.process.kill()

        def refuses() -> bool:
            try:
                sinks.dial(proxy.addresses[0]).close()
            except ConnectionRefusedError:
                return True
            return False

        sinks.wait_until(refuses)


# On a terminal


class Terminal:
    """A terminal on which a command runs."""

    def __init__(self, *words: str, columns: int = 120) -> None:
        self.fd, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        self.before = self.modes()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEADER, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self.screen = ""

    def modes(self) -> int:
        return int(termios.tcgetattr(self.fd)[3])

    def see(self, pattern: str) -> re.Match[str]:
        """Wait for *pattern* to have been written."""
        until = time.monotonic() + PATIENCE
        while True:
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.screen)
            if found := re.search(pattern, plain):
                return found
            assert time.monotonic() < until, plain[-3000:]
            if select.select([self.fd], [], [], 1)[0]:
                self.screen += os.read(self.fd, 65536).decode(errors="replace")


LEADER = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from simulator.cli.main import main
sys.argv = ["simsim", *sys.argv[1:]]
sys.exit(main())
"""


@pytest.mark.parametrize("how", ["q", "SIGINT", "SIGTERM"])
def test_on_a_terminal_it_shows_the_link_obeys_keys_and_leaves_all_as_it_was(how: str) -> None:
    with sinks.Echo() as server:
        terminal = Terminal("proxy", "wifi", "--upstream", target(server))
        try:
            port = int(terminal.see(r"127\.0\.0\.1:(\d+)\r")[1])
            terminal.see(r"passes +15 Mbit/s +30 Mbit/s +2 ms")
            terminal.see("keys: c cut")
            with sinks.dial(("127.0.0.1", port)) as client:
                client.sendall(bytes(5000))
                terminal.see(r"5 kB +\d.* kB +1 ")
                os.write(terminal.fd, b"c")
                terminal.see(r"reset: 1 connection")
                os.write(terminal.fd, b"s")
                terminal.see(r"stall [\d.]+ m?s +0 bit/s +0 bit/s")
            assert terminal.modes() != terminal.before
            if how == "q":
                os.write(terminal.fd, b"q")
            elif how == "SIGINT":
                os.write(terminal.fd, b"\x03")  # what the terminal makes of Ctrl-C
            else:
                terminal.process.send_signal(signal.SIGTERM)
            terminal.see("2 faults, 2 of them by hand")
            assert terminal.process.wait(PATIENCE) == 0
            assert terminal.modes() == terminal.before
        finally:
            if terminal.process.poll() is None:
                terminal.process.kill()
            terminal.process.wait()
            os.close(terminal.fd)


@pytest.mark.parametrize(("columns", "titles"), [(60, "link +now +up +down +carried up +open *\r")])
def test_a_narrow_terminal_shows_fewer_columns_and_all_of_each(columns: int, titles: str) -> None:
    terminal = Terminal("proxy", "wifi", "--for", "1 s", columns=columns)
    try:
        terminal.see(titles)
        terminal.see(r"> +1 +passes +15 Mbit/s +30 Mbit/s +0 B +0 *\r")
        assert terminal.process.wait(PATIENCE) == 0
    finally:
        terminal.process.wait()
        os.close(terminal.fd)


def test_rich_is_loaded_for_a_terminal_alone() -> None:
    code = (
        "import sys\n"
        "from simulator.cli.main import main\n"
        "sys.argv = ['simsim', 'proxy', 'wifi', '--for', '100 ms']\n"
        "main()\n"
        "print('rich' in sys.modules, file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stderr.splitlines()[-1] == "False", told.stderr
    assert "begins again" not in told.stderr
