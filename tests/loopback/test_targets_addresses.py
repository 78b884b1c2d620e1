"""Targets by IPv6, and by names with several addresses of which the server has one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trustme

from simulator.records import Connection, Integrity, Upload
from tests.helpers.front import Front, server_context
from tests.helpers.runs import ROOT, only_folder, records_of, simsim
from tests.helpers.served import serving

pytestmark = pytest.mark.loopback

AUTHORITY = trustme.CA()
SMALL = ("--users", "2", "--size", "300 kB", "--no-calm", "--quiet")
NAME = "both.test"
# Python imports it at every start, before gevent takes the resolver's place.
RESOLVER = f"""
import _socket
told = _socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    if host not in ("{NAME}", b"{NAME}"):
        return told(host, *rest, **more)
    return told("::1", *rest, **more) + told("127.0.0.1", *rest, **more)
_socket.getaddrinfo = getaddrinfo
"""


def check(folder: Path, told_status: int, stderr: str) -> None:
    assert told_status == 0, stderr
    records = records_of(only_folder(folder / "results"))
    assert {record.outcome for record in records if isinstance(record, Upload)} == {"completed"}
    checks = [(record.how, record.intact) for record in records if isinstance(record, Integrity)]
    assert checks == [("get", True)] * 4
    assert any(isinstance(record, Connection) for record in records), "nothing went through a link"


def test_a_target_by_its_ipv6_number_is_run_against(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Front(server.port, host="::1") as front:
        url = f"http://[::1]:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, cwd=tmp_path)
    check(tmp_path, told.returncode, told.stderr)
    assert f"[::1]:{front.port}".encode() in front.hosts


def test_a_certificate_for_an_ipv6_number_is_checked(tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with (
        serving(tmp_path) as server,
        Front(server.port, host="::1", tls=server_context(AUTHORITY, "::1")) as front,
    ):
        url = f"https://[::1]:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, "--ca", "ca.pem", cwd=tmp_path)
    check(tmp_path, told.returncode, told.stderr)


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
def test_of_a_names_addresses_the_one_that_answers_is_found(tmp_path: Path, host: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(RESOLVER)
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    with serving(tmp_path) as server, Front(server.port, host=host) as front:
        url = f"http://{NAME}:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, cwd=tmp_path, PYTHONPATH=path)
    check(tmp_path, told.returncode, told.stderr)
    assert f"{NAME}:{front.port}".encode() in front.hosts
