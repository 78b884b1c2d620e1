"""Servers that we start: ready when they answer, gone when we are, and plain about what went wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from simulator.children import Child
from simulator.errors import PartDied, UsageError
from simulator.servers import start
from tests.helpers.storeserver import BY_HTTP, SOON, entry

pytestmark = pytest.mark.loopback

PATIENCE = 30.0


def gone(pid: int) -> bool:
    """Return whether the process has ended, within patience; a zombie has."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("ready", [None, BY_HTTP], ids=["by its line", "by its answer"])
def test_a_server_answers_once_it_is_yielded_and_is_gone_afterwards(
    tmp_path: Path, ready: str | None
) -> None:
    file = entry(tmp_path) if ready is None else entry(tmp_path, ready=ready)
    with start(file, tmp_path / "run") as target:
        assert target.version.startswith("3.")
        assert target.store == tmp_path / "run/store"
        assert httpx.get(target.endpoints["tus"].url + "x").status_code == 404
        assert target.pid is not None
        assert target.child is not None
        target.child.check()
    assert gone(target.pid)
    assert not (tmp_path / "run/store").exists()
    assert "GET /files/x" in (tmp_path / "run/server.log").read_text()


def test_a_store_of_ones_own_is_kept(tmp_path: Path) -> None:
    with start(entry(tmp_path), tmp_path / "run", store=tmp_path / "mine") as target:
        assert target.store is not None
        (target.store / "upload").write_text("bytes")
    assert (tmp_path / "mine/upload").read_text() == "bytes"


def test_a_server_that_dies_before_it_is_ready_says_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(PartDied, match="server 'small' ended with status 1: no heart to go on") as died,
        start(entry(tmp_path, "dies"), tmp_path / "run"),
    ):
        pytest.fail("it never was ready")
    assert died.value.where == str(tmp_path / "run/server.log")


def test_a_ready_line_that_tells_a_port_of_letters_is_said_to_do_so(tmp_path: Path) -> None:
    letters = "{ line = 'ready on (?P<port>port)', timeout_s = 10 }"
    with (
        pytest.raises(PartDied, match="told the port 'port', which is no number"),
        start(entry(tmp_path, ready=letters), tmp_path / "run"),
    ):
        pytest.fail("it never told a port")


def test_a_server_that_is_never_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    with (
        pytest.raises(PartDied, match=r"was not ready: no line matched .* within 0\.3 s: it wrote nothing"),
        start(entry(tmp_path, "mute", SOON), tmp_path / "run"),
    ):
        pytest.fail("it never was ready")
    assert not [
        process for process in psutil.Process().children() if "storeserver" in " ".join(process.cmdline())
    ]


def test_a_server_that_dies_in_the_middle_is_noticed(tmp_path: Path) -> None:
    with start(entry(tmp_path), tmp_path / "run") as target:
        assert target.child is not None
        assert target.pid is not None
        os.kill(target.pid, signal.SIGKILL)
        assert target.child.wait(PATIENCE)
        with pytest.raises(PartDied, match="was killed by SIGKILL: ready on port"):
            target.child.check()


def test_a_port_that_is_asked_for_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with start(entry(tmp_path), tmp_path / "run", port=port) as target:
        assert f":{port}/" in target.endpoints["tus"].url


def test_a_port_in_use_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        refusal = f"cannot listen on 127.0.0.1:{port}: Address already in use"
        with pytest.raises(UsageError, match=refusal), start(entry(tmp_path), tmp_path / "run", port=port):
            pytest.fail("the port is taken")
    assert not (tmp_path / "run").exists()


def test_a_free_port_that_gets_taken_is_tried_again_with_another(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="already in use"),
        start(entry(tmp_path, "taken", BY_HTTP), tmp_path / "run"),
    ):
        pytest.fail("no port is free")
    tried = re.findall(r"127\.0\.0\.1:(\d+)", (tmp_path / "run/server.log").read_text())
    assert len(tried) == 5
    assert len(set(tried)) > 1


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file, no folder")
    with pytest.raises(UsageError, match="cannot make the folder"), start(entry(tmp_path), tmp_path / "run"):
        pytest.fail("there is no folder")


def test_a_server_that_ignores_sigterm_is_killed_after_a_grace(tmp_path: Path) -> None:
    with start(entry(tmp_path, "deaf"), tmp_path / "run") as target:
        assert target.child is not None
        assert target.child.stop(grace=0.2) == -signal.SIGKILL
        assert not target.child.alive()


def test_what_a_server_started_goes_with_it(tmp_path: Path) -> None:
    with start(entry(tmp_path, "parent"), tmp_path / "run") as target:
        assert target.child is not None
        grandchild = int(target.child.wait_for_line(re.compile(r"child (\d+)"), PATIENCE)[1])
        assert psutil.pid_exists(grandchild)
    assert gone(grandchild)


def test_a_parent_killed_outright_leaves_no_server(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from simulator.servers import start\n"
        "with start(sys.argv[1], Path(sys.argv[2])) as target:\n"
        "    print(target.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, entry(tmp_path, "deaf"), str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    assert gone(pid)


def test_a_child_writes_more_than_a_pipe_holds_without_being_read(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 1_000_000); print('done')"
    with Child("writer", [sys.executable, "-c", code], tmp_path / "log") as child:
        assert child.wait(PATIENCE)
        assert child.output().endswith(b"done\n")


def test_a_child_with_a_pipe_is_read_by_its_caller_and_logs_only_errors(tmp_path: Path) -> None:
    code = "import sys; print('record'); print('trouble', file=sys.stderr)"
    child = Child("swarm", [sys.executable, "-c", code], tmp_path / "log", stdout=subprocess.PIPE)
    lines: list[bytes] = []
    assert child.stdout is not None
    with child, child.stdout as pipe:
        reader = threading.Thread(target=lambda: lines.extend(pipe))
        reader.start()
        reader.join()
    assert lines == [b"record\n"]
    assert child.last_lines() == ["trouble"]
    assert child.returncode == 0


def test_a_child_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with Child("engine", [str(tmp_path / "none")], tmp_path / "log") as child:
        assert child.wait(PATIENCE)
        with pytest.raises(PartDied, match=r"engine ended with status 1: cannot start .*none: No such file"):
            child.check()


def test_a_child_is_as_nice_as_it_was_told(tmp_path: Path) -> None:
    code = "import os; print('nice', os.nice(0), flush=True)"
    with Child("swarm", [sys.executable, "-c", code], tmp_path / "log", nice=7) as child:
        assert int(child.wait_for_line(re.compile(r"nice (\d+)"), PATIENCE)[1]) == os.nice(0) + 7


def test_a_line_is_matched_only_once_it_is_whole(tmp_path: Path) -> None:
    code = "import time; print('port 12', end='', flush=True); time.sleep(0.3); print('345', flush=True)"
    with Child("slow", [sys.executable, "-c", code], tmp_path / "log") as child:
        assert child.wait_for_line(re.compile(r"port (\d+)"), PATIENCE)[1] == "12345"


def test_the_log_of_an_older_child_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("ready on port 1\n")
    with Child("new", [sys.executable, "-c", "print('ready on port 2')"], tmp_path / "log") as child:
        assert child.wait_for_line(re.compile(r"port (\d+)"), PATIENCE)[1] == "2"
