"""tus servers that nobody here wrote, held to the contract of every tus server; what each fails is written down.

An expected failure is strict: a server that is mended fails here, and its row goes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from simulator.servers import start
from tests.contracts.check_server import CHECKS, CONTENT, TYPE, Unsupported
from tests.real.conftest import installed

pytestmark = pytest.mark.real

CREATION = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(CONTENT)), **TYPE}
CREATION["Upload-Metadata"] = "filename Zi5iaW4=,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"


def a_download_that_ends_leaves_the_server_running(url: str) -> None:
    """Not in tus: a client that has read what it asked for closes its connection."""
    for _ in range(5):
        created = httpx.post(url, headers={**CREATION, "Upload-Length": "0"}, trust_env=False)
        upload = urlsplit(urljoin(url, created.headers["location"]))
        with socket.create_connection((upload.hostname, upload.port), timeout=30) as connection:
            connection.sendall(f"GET {upload.path} HTTP/1.1\r\nHost: {upload.netloc}\r\n\r\n".encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 ")
    assert httpx.request("OPTIONS", url, trust_env=False).status_code < 500


@dataclass(frozen=True)
class Row:
    """What one server does not do: checks that it fails, each with what it does instead, and checks of
    extensions that it does not claim."""

    differs: dict[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()


SUM, EXPIRY = "a_wrong_checksum_keeps_nothing", "an_expiry_is_told_with_every_patch"
NO_VERSION = {"another_version_is_refused": "its 412 has no Tus-Version ('Tus-Resumable': MUST)"}
ROWS = {
    "tusd": Row(NO_VERSION, frozenset({SUM, EXPIRY})),
    "tus-node-server": Row(
        NO_VERSION
        | {
            "a_download_that_ends_leaves_the_server_running": "the process dies of ERR_INVALID_STATE once the"
            " connection of a GET closes",
        },
        frozenset({SUM, "partial_uploads_become_one"}),
    ),
    "tuspyserver": Row(
        {
            "options_names_the_version": "OPTIONS with another Tus-Resumable gets 412 ('Tus-Resumable': the"
            " header MUST be ignored there)",
            "metadata_is_given_back": "a blank after the comma becomes part of the next key"
            " ('Upload-Metadata': a key MUST NOT contain spaces)",
            "another_content_type_is_refused": "415, and yet the bytes are stored and the offset moves",
            "a_half_open_request_does_not_lock_the_upload_for_long": "a half-open PATCH locks it: no answer in"
            " 30 s, then 503",
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
            "a_half_open_request_does_not_lock_the_upload_for_long": "HEAD gets 200 without Upload-Offset"
            " while a PATCH is open ('HEAD': MUST include it)",
        },
        frozenset({"creation_with_upload"}),
    ),
}


def cases() -> Iterator[object]:
    for server, row in ROWS.items():
        for check in (*CHECKS, a_download_that_ends_leaves_the_server_running):
            name = check.__name__
            marks = [pytest.mark.xfail(reason=row.differs[name])] if name in row.differs else []
            yield pytest.param(server, check, id=f"{server} {name}", marks=marks)


@pytest.mark.parametrize(("server", "check"), list(cases()))
def test_a_server_keeps_the_contract_or_does_not_claim_it(
    server: str, check: Callable[[str], None], tmp_path: Path
) -> None:
    """Each check has a server of its own: one that dies of a check must not fail the next ones."""
    installed("servers", server)
    with start(server, tmp_path / "run") as target:
        if check.__name__ in ROWS[server].lacks:
            with pytest.raises(Unsupported):
                check(target.endpoints["tus"].url)
        else:
            check(target.endpoints["tus"].url)
