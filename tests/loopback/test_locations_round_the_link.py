"""Locations that lead round the link: followed through it where it leads there, and said."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest
import trustme

from simulator.records import Connection, Integrity, Record, Request, Upload
from tests.helpers.front import Front, server_context
from tests.helpers.runs import only_folder, records_of, simsim
from tests.helpers.served import serving

pytestmark = pytest.mark.loopback

AUTHORITY = trustme.CA()
SMALL = ("--users", "2", "--size", "300 kB", "--no-calm", "--quiet")


def outcomes(records: list[Record], arm: str) -> list[tuple[str, str]]:
    return [
        (record.outcome.value, record.why)
        for record in records
        if isinstance(record, Upload) and record.arm == arm
    ]


def appends(records: list[Record]) -> list[Request]:
    return [record for record in records if isinstance(record, Request) and record.method == "PATCH"]


def words(told: CompletedProcess[str]) -> str:
    return " ".join(told.stdout.split())


def test_a_servers_own_idea_of_its_address_is_followed_through_the_link_and_said(tmp_path: Path) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(tmp_path) as server:
        inside = f"http://127.0.0.1:{server.port}"  # http, and another port: it knows nothing of its front
        with Front(server.port, tls=server_context(AUTHORITY, "localhost"), origin=inside) as front:
            home = f"https://localhost:{front.port}"
            told = simsim(
                *("run", "wifi", *SMALL, "--against", f"{home}/files/", "--ca", "ca.pem"), cwd=tmp_path
            )
    assert told.returncode == 0, told.stderr
    records = records_of(only_folder(tmp_path / "results"))
    assert outcomes(records, "tus") == [("completed", "")] * 2
    assert [check.how for check in records if isinstance(check, Integrity)] == ["get"] * 4
    assert appends(records)
    for request in appends(records):
        assert request.target.startswith(f"{inside}/files/")
        assert request.asked == home + request.target.removeprefix(inside)
    through = {record.port for record in records if isinstance(record, Connection)}
    assert {request.port for request in appends(records)} <= through
    said = words(told)
    assert f"2 uploads got a Location that leads round the link, such as {inside}/files/" in said
    assert f"they were asked for through the link all the same, at {home}" in said
    assert "no client had to follow it" in said  # of the plain uploads


def test_another_name_of_the_same_address_is_followed_by_that_name(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Front(server.port) as front:
        front._origin = f"http://localhost:{front.port}"
        url = f"http://127.0.0.1:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    records = records_of(only_folder(tmp_path / "results"))
    assert outcomes(records, "tus") == [("completed", "")] * 2
    assert {request.asked for request in appends(records)} == {None}
    assert f"localhost:{front.port}".encode() in front.hosts
    assert "it is another name of the same address" in words(told)


def test_another_server_is_not_asked_and_the_upload_fails_with_its_name(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Front(server.port, origin="http://192.0.2.1:81") as front:
        url = f"http://127.0.0.1:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, "--deadline", "20 s", cwd=tmp_path)
    records = records_of(only_folder(tmp_path / "results"))
    why = "the server's Location is at another server, http://192.0.2.1:81, where no link leads"
    assert outcomes(records, "tus") == [("failed", why)] * 2
    assert outcomes(records, "plain") == [("completed", "")] * 2
    assert not appends(records)
    assert {c.how for c in records if isinstance(c, Integrity)} == {"unverified"}
    assert why in words(told)
    assert told.returncode == 0, told.stderr
