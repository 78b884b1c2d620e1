"""Tests ordered by cost: fast ones always, loopback and real ones when asked for."""

from __future__ import annotations

import signal

import pytest

GATES = {"loopback": "--run-loopback", "real": "--run-real"}


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts its background jobs so, and what they start inherits it: then Ctrl-C ends nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-loopback", action="store_true", help="also run tests on real loopback sockets")
    parser.addoption("--run-real", action="store_true", help="also drive real servers and clients")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the costly tests that were not asked for, and say so by deselecting, never by skipping."""
    closed = [name for name, option in GATES.items() if not config.getoption(option)]
    kept, left = [], []
    for item in items:
        (left if any(item.get_closest_marker(name) for name in closed) else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)
