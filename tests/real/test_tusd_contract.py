"""tusd held to the contract that every tus server is held to; where it differs is written down here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.servers import start
from simulator.servers.server import Target
from tests.contracts.check_server import CHECKS, Unsupported

pytestmark = pytest.mark.real

# tusd 2.9.1: what it answers instead. xfail is strict, so a mended tusd fails here and the row goes.
DIFFERENCES = {"another_version_is_refused": "its 412 has no Tus-Version ('Tus-Resumable': MUST)"}
LACKS = {"a_wrong_checksum_keeps_nothing", "an_expiry_is_told_with_every_patch"}


@pytest.fixture(scope="module")
def target(tusd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with start("tusd", tmp_path_factory.mktemp("contract") / "run") as running:
        yield running


def marked(check: Callable[[str], None]) -> object:
    name = check.__name__
    marks = [pytest.mark.xfail(reason=DIFFERENCES[name])] if name in DIFFERENCES else []
    return pytest.param(check, id=name, marks=marks)


@pytest.mark.parametrize("check", [marked(check) for check in CHECKS])
def test_tusd_keeps_the_contract_or_does_not_claim_it(target: Target, check: Callable[[str], None]) -> None:
    url = target.endpoints["tus"].url
    if check.__name__ in LACKS:
        with pytest.raises(Unsupported):
            check(url)
    else:
        check(url)
