"""Addresses as people write them."""

from __future__ import annotations

import pytest

from simulator.links.addresses import address_text, is_any, is_loopback, is_number, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("localhost:65535", ("localhost", 65535)),
        ("[::1]:8080", ("::1", 8080)),
        ("my_host.example:1", ("my_host.example", 1)),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert address_text(address) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no host"),
        ("localhost", "no port"),
        ("localhost:", "no port"),
        (":80", "no host"),
        ("localhost:0", "from 1 to 65535"),
        ("localhost:65536", "from 1 to 65535"),
        ("localhost:8O", "from 1 to 65535"),
        ("localhost:+80", "from 1 to 65535"),
        ("localhost:٨٠", "from 1 to 65535"),
        ("localhost:" + "9" * 5000, "from 1 to 65535"),
        ("::1:80", "without brackets"),
        ("[::1]", "no port"),
        ("[::1:80", "brackets around"),
        ("[127.0.0.1]:80", "brackets around"),
        ("[]:80", "brackets around"),
        ("a b:80", "is not HOST:PORT"),
        ("http://localhost:80/x", "is not HOST:PORT|no number|without brackets"),
        ("user@localhost:80", "is not HOST:PORT"),
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_address(text)


def test_a_port_may_be_left_out_or_be_free_where_that_is_allowed() -> None:
    assert parse_address("localhost", 80) == ("localhost", 80)
    assert parse_address("[::1]", 80) == ("::1", 80)
    assert parse_address("localhost:0", least=0) == ("localhost", 0)


def test_loopback_is_told_from_the_number_alone() -> None:
    assert [h for h in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1") if not is_loopback(h)] == []
    others = ("localhost", "0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "128.0.0.1", "127.1", "")
    assert [h for h in others if is_loopback(h)] == []
    assert is_any("0.0.0.0")
    assert is_any("::")
    assert not is_any("127.0.0.1")
    assert is_number("::1")
    assert not is_number("1.2.3")
