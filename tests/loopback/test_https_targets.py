"""``--against https://NAME``: name and certificate are the target's, through the links too."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from simulator.errors import UsageError
from simulator.records import Connection, Integrity, Plan, Record, Run, Upload
from simulator.servers import external
from simulator.trust import Trust
from tests.helpers.front import Front, server_context
from tests.helpers.rawserver import Peer, RawServer, answer
from tests.helpers.runs import only_folder, records_of, simsim
from tests.helpers.served import serving

pytestmark = pytest.mark.loopback

AUTHORITY = trustme.CA()
SMALL = ("--users", "2", "--size", "600 kB", "--no-calm", "--quiet")


@pytest.fixture(name="ca")
def _ca(tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    return str(file)


@contextmanager
def secure_server(folder: Path, asked: list[str | None]) -> Iterator[Front]:
    """The server in the box behind a front that notes which name each client asked for."""
    with (
        serving(folder) as server,
        Front(server.port, tls=server_context(AUTHORITY, "localhost", asked=asked)) as front,
    ):
        yield front


def kinds(kind: type[Any], records: list[Record]) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def plan_of(records: list[Record]) -> Plan:
    (start,) = (record for record in kinds(Run, records) if record.event == "start")
    assert start.plan is not None
    return start.plan


def test_a_run_goes_through_links_by_the_targets_name_and_what_is_stored_is_read_back(
    tmp_path: Path, ca: str
) -> None:
    asked: list[str | None] = []
    with secure_server(tmp_path, asked) as front:
        url = f"https://localhost:{front.port}/files/"
        told = simsim("run", "resets", *SMALL, "--against", url, "--ca", ca, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    records = records_of(only_folder(tmp_path / "results"))
    assert {upload.outcome for upload in kinds(Upload, records)} == {"completed"}
    assert [(check.how, check.intact) for check in kinds(Integrity, records)] == [("get", True)] * 4
    assert kinds(Connection, records), "nothing went through a link"
    assert set(asked) == {"localhost"}  # of the probe, of each client through its link, and of the check
    assert len(asked) >= 1 + 4 + 1
    assert not plan_of(records).insecure
    assert "certificate" not in told.stdout


def test_the_server_in_the_box_serves_https_itself(tmp_path: Path, ca: str) -> None:
    own = tmp_path / "own.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(own))
    with serving(tmp_path, "--cert", str(own), scheme="https") as server:
        url = f"https://localhost:{server.port}/files/"
        told = simsim("run", "resets", *SMALL, "--against", url, "--ca", ca, cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        records = records_of(only_folder(tmp_path / "results"))
        assert {upload.outcome for upload in kinds(Upload, records)} == {"completed"}
        assert {check.intact for check in kinds(Integrity, records)} == {True}


def test_an_unchecked_certificate_is_said_in_the_report(tmp_path: Path) -> None:
    with secure_server(tmp_path, []) as front:
        url = f"https://127.0.0.1:{front.port}/files/"
        told = simsim("run", "wifi", *SMALL, "--against", url, "--insecure", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "the server's certificate was not checked (--insecure)" in " ".join(told.stdout.split())
    records = records_of(only_folder(tmp_path / "results"))
    assert {upload.outcome for upload in kinds(Upload, records)} == {"completed"}
    assert plan_of(records).insecure


def test_workers_are_given_the_authority_and_never_a_key_that_stands_beside_it(
    tmp_path: Path, ca: str
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(AUTHORITY.private_key_pem.bytes() + b"# J\xc3\xb6rg's own\n" + Path(ca).read_bytes())
    with secure_server(tmp_path, []) as front:
        url = f"https://localhost:{front.port}/files/"
        told = simsim(
            "run", "wifi", *SMALL, "--workers", "2", "--against", url, "--ca", str(both), cwd=tmp_path
        )
    assert told.returncode == 0, told.stderr
    folder = only_folder(tmp_path / "results")
    assert {upload.outcome for upload in kinds(Upload, records_of(folder))} == {"completed"}
    for file in folder.rglob("*"):
        assert file.is_dir() or b"PRIVATE KEY" not in file.read_bytes(), file


def test_each_client_checks_the_certificate_through_its_link(tmp_path: Path, ca: str) -> None:
    good, other = server_context(AUTHORITY, "localhost"), server_context(trustme.CA(), "localhost")
    shown: list[ssl.SSLContext] = []

    def first_only(sock: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        sock.context = other if shown else good  # the probe is shown the good one
        shown.append(sock.context)

    good.sni_callback = first_only
    with serving(tmp_path) as server, Front(server.port, tls=good) as front:
        url = f"https://localhost:{front.port}"
        told = simsim("run", "wifi", *SMALL, "--against", f"{url}/files/", "--ca", ca, cwd=tmp_path)
    uploads = kinds(Upload, records_of(only_folder(tmp_path / "results")))
    assert [upload.outcome.value for upload in uploads] == ["failed"] * 4, told.stderr
    for upload in uploads:
        assert upload.why.startswith(f"the certificate of {url} is not believed: ")


def never(_peer: Peer) -> None:
    raise AssertionError("something was sent to a server that is not believed")


def expired() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    AUTHORITY.issue_cert("localhost", not_after=past).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Trust:
    return Trust(authority.cert_pem.bytes().decode())


@pytest.mark.parametrize(
    ("context", "trust", "words"),
    [
        (expired, trusting(AUTHORITY), "has expired"),
        (lambda: server_context(AUTHORITY, "upload.example"), trusting(AUTHORITY), "is for another name"),
        (lambda: server_context(AUTHORITY, "localhost"), Trust(), "not known here.*--ca FILE"),
        (
            lambda: server_context(AUTHORITY, "localhost"),
            trusting(trustme.CA()),
            "not signed by an authority",
        ),
    ],
    ids=["expired", "another name", "no authority given", "another authority given"],
)
def test_a_certificate_that_will_not_do_is_refused_before_anything_is_sent(
    context: Callable[[], ssl.SSLContext], trust: Trust, words: str
) -> None:
    with RawServer(never, tls=context()) as server:
        url = f"https://localhost:{server.address[1]}/files/"
        with pytest.raises(UsageError, match=words) as refused:
            external(url, trust=trust)
    assert refused.value.exit_code == 2
    assert f"localhost:{server.address[1]}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_https_to_a_server_of_http_and_http_to_one_of_https_name_the_other() -> None:
    def plain(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.read_until_end()

    with RawServer(plain) as server, pytest.raises(UsageError, match=r"does not speak TLS.*http://"):
        external(f"https://127.0.0.1:{server.address[1]}/")
    with (
        RawServer(never, tls=server_context(AUTHORITY, "localhost")) as server,
        pytest.raises(UsageError, match=r"does not speak HTTP.*https://"),
    ):
        external(f"http://127.0.0.1:{server.address[1]}/")


def test_the_servers_own_certificate_may_be_given_in_place_of_its_authoritys() -> None:
    words = ("Tus-Resumable: 1.0.0", "Tus-Version: 1.0.0", "Tus-Extension: creation, creation-with-upload")

    def tus(peer: Peer) -> None:
        peer.read_head()
        peer.send(answer("204 No Content", b"", *words))

    own = AUTHORITY.issue_cert("localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.configure_cert(context)
    with RawServer(tus, tls=context) as server:
        trust = Trust(own.cert_chain_pems[0].bytes().decode())
        target = external(f"https://localhost:{server.address[1]}/files/", trust=trust)
    assert target.trust == trust


def test_a_refused_certificate_is_one_line_of_the_command_and_leaves_nothing(tmp_path: Path) -> None:
    with RawServer(never, tls=server_context(AUTHORITY, "localhost")) as server:
        url = f"https://localhost:{server.address[1]}/files/"
        told = simsim("run", "wifi", "--against", url, cwd=tmp_path)
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "--ca FILE" in told.stderr
    assert not (tmp_path / "results").exists()


def test_a_server_that_hangs_in_its_handshake_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port} did not answer"):
            external(f"https://127.0.0.1:{port}/")
