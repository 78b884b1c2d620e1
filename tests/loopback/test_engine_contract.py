"""Every engine keeps the contract of tests/contracts/check_engine.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.links.embedded import EmbeddedEngine
from simulator.links.engine import Engine
from tests.contracts.check_engine import CHECKS, Make
from tests.helpers.timing import best_of_three

pytestmark = pytest.mark.loopback

ENGINES: dict[str, Callable[[], Engine]] = {"embedded": EmbeddedEngine}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_an_engine_keeps_its_contract(make: Make, check: Callable[[Make], None]) -> None:
    best_of_three(check)(make)
