"""Golden files: what a page looked like when somebody last looked at it and was content.

pytest tests/golden --update-golden     writes them anew; look at the difference before it is kept
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "files"
Check = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Check:
    """Return what compares a text with the golden file of a name, or writes it when asked to."""
    update = request.config.getoption("--update-golden", default=False)

    def check(name: str, text: str) -> None:
        path = FILES / name
        if update:
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"no golden file {name}; make it with --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check
