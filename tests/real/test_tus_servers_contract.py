"""tus servers that nobody here wrote, held to what every tus server must do; what each fails is written down.

An expected failure is strict: a server that is mended fails here, and its row goes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from simulator.servers import start
from tests.contracts.check_server import CHECKS, CONTENT, TYPE, Unsupported
from tests.real.conftest import installed

pytestmark = pytest.mark.real

NAMED = "filename Zi5iaW4=,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"
CREATION = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(CONTENT)), "Upload-Metadata": NAMED}
APPEND = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", **TYPE}


def a_download_that_ends_leaves_the_server_running(url: str) -> None:
    """Not in tus: a client that has read what it asked for closes its connection."""
    for _ in range(5):
        created = httpx.post(url, headers=CREATION, trust_env=False)
        location = urljoin(url, created.headers["location"])
        appended = httpx.patch(location, headers=APPEND, content=CONTENT, trust_env=False)
        assert appended.status_code == 204
        upload = urlsplit(location)
        with socket.create_connection((upload.hostname, upload.port), timeout=30) as connection:
            connection.sendall(f"GET {upload.path} HTTP/1.1\r\nHost: {upload.netloc}\r\n\r\n".encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 ")
    assert httpx.request("OPTIONS", url, trust_env=False).status_code < 500


def a_question_while_a_patch_is_open_has_an_offset(url: str) -> None:
    """ "HEAD": "the Server MUST always include the Upload-Offset header"; a refusal may be one without."""
    created = httpx.post(url, headers=CREATION, trust_env=False)
    upload = urlsplit(location := urljoin(url, created.headers["location"]))
    fields = {"Host": upload.netloc, "Content-Length": str(len(CONTENT)), **APPEND}
    lines = [f"PATCH {upload.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    with socket.create_connection((upload.hostname, upload.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + CONTENT[:5000])
        for _ in range(20):  # the first may come before the server has begun on the PATCH
            answer = httpx.head(location, headers={"Tus-Resumable": "1.0.0"}, trust_env=False, timeout=60)
            assert answer.status_code >= 400 or "upload-offset" in answer.headers, answer.headers
            time.sleep(0.05)


OWN = (a_download_that_ends_leaves_the_server_running, a_question_while_a_patch_is_open_has_an_offset)


@dataclass(frozen=True)
class Row:
    """What one server does not do.

    ``differs`` are checks that it fails, each with what it does instead, ``lacks`` those of extensions
    that it does not claim, and ``by_a_race`` those that fail or not by who comes first. One that a check
    may end is started anew for each.
    """

    differs: dict[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    by_a_race: dict[str, str] = field(default_factory=dict)
    ends: bool = False


SUM, EXPIRY = "a_wrong_checksum_keeps_nothing", "an_expiry_is_told_with_every_patch"
NO_VERSION = {"another_version_is_refused": "its 412 has no Tus-Version ('Tus-Resumable': MUST)"}
LOCKED = "HEAD gets 200 without Upload-Offset while a PATCH is open ('HEAD': MUST include it)"
ROWS = {
    "tusd": Row(NO_VERSION, frozenset({SUM, EXPIRY})),
    "tus-node-server": Row(
        {
            "another_version_is_refused": "400 'Invalid tus-resumable' ('Tus-Resumable': MUST be 412)",
            "a_download_that_ends_leaves_the_server_running": "the process dies of ERR_INVALID_STATE once the"
            " connection of a GET closes",
        },
        frozenset({SUM, "partial_uploads_become_one"}),
        ends=True,
    ),
    "tuspyserver": Row(
        {
            "options_names_the_version": "OPTIONS with another Tus-Resumable gets 412 ('Tus-Resumable': the"
            " header MUST be ignored there)",
            "metadata_is_given_back": "a blank after the comma becomes part of the next key"
            " ('Upload-Metadata': a key MUST NOT contain spaces)",
            "another_content_type_is_refused": "415, and yet the bytes are stored and the offset moves",
            "a_half_open_request_does_not_lock_the_upload_for_long": "a half-open PATCH locks it: no answer"
            " in 30 s, then 503",
        },
        frozenset({SUM}),
    ),
    "rustus": Row(
        {
            "head_tells_offset_and_length_and_is_not_cached": "Cache-Control: no-cache ('HEAD': MUST be"
            " no-store)",
            "another_version_is_refused": "creates the upload ('Tus-Resumable': MUST be 412)",
            SUM: "204 and the bytes stay ('Checksum': MUST be 460 and discarded)",
        },
        frozenset({EXPIRY}),
    ),
    "tus-java-server": Row(
        NO_VERSION
        | {
            "another_content_type_is_refused": "406 ('PATCH': SHOULD be 415)",
            "a_question_while_a_patch_is_open_has_an_offset": LOCKED,
        },
        frozenset({"creation_with_upload"}),
        by_a_race={
            "a_cut_patch_keeps_what_arrived": LOCKED,
            "a_half_open_request_does_not_lock_the_upload_for_long": LOCKED,
        },
    ),
}


def cases() -> Iterator[object]:
    for server, row in ROWS.items():
        for check in (*CHECKS, *OWN):
            name = check.__name__
            marks = [pytest.mark.xfail(reason=row.differs[name])] if name in row.differs else []
            if name in row.by_a_race:
                marks = [pytest.mark.xfail(reason=row.by_a_race[name], strict=False)]
            yield pytest.param(server, check, id=f"{server} {name}", marks=marks)


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """What gives the endpoint of a server: the same one again, but of those that a check may end."""
    running: dict[str, str] = {}
    with ExitStack() as stack:

        def url(server: str) -> str:
            if server not in running or ROWS[server].ends:
                installed("servers", server)
                target = stack.enter_context(start(server, tmp_path_factory.mktemp(server) / "run"))
                running[server] = target.endpoints["tus"].url
            return running[server]

        yield url


@pytest.mark.parametrize(("server", "check"), list(cases()))
def test_a_server_keeps_the_contract_or_does_not_claim_it(
    urls: Callable[[str], str], server: str, check: Callable[[str], None]
) -> None:
    url = urls(server)
    if check.__name__ in ROWS[server].lacks:
        with pytest.raises(Unsupported):
            check(url)
    else:
        check(url)
