"""The server in the box keeps the contract that every tus server is held to, with every extension."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.contracts.check_server import CHECKS
from tests.helpers.served import Server, serving

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("contract"), "--expires", "3600") as server:
        yield server


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(server: Server, check: Callable[[str], None]) -> None:
    check(f"{server.url}/files/")
