"""Every registered protocol, in every wording, keeps the contract of machines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.protocols import make_machine
from simulator.protocols.policy import Policy
from tests.contracts.check_protocol import CHECKS, Make
from tests.helpers.coreserver import ENDPOINTS
from tests.helpers.ietfserver import INTEROPS
from tests.helpers.modelserver import ENDPOINT, PARALLEL, WORDINGS, InTurn, worded

GOOGLE = [("google", ""), ("google", "no-x-upload")]
IETF = [("ietf", f"{interop}{way}") for interop in INTEROPS for way in ("", "+careful")]


@pytest.mark.parametrize("size", [0, 1, 50])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("wording", [*WORDINGS, *PARALLEL, *GOOGLE, *IETF], ids="-".join)
def test_a_machine_keeps_its_contract(
    wording: tuple[str, str], check: Callable[[Make, int], None], size: int
) -> None:
    name, framing = wording

    def make():
        machine = make_machine(
            name,
            endpoint=ENDPOINTS.get(name, ENDPOINT),
            size=size,
            filename="f.bin",
            policy=Policy(piece=20),
            **worded(name, framing),
        )
        return InTurn(machine) if (name, framing) in PARALLEL else machine

    check(make, size)
