"""What people type is understood, or refused with the option's name and the mend."""

from __future__ import annotations

import pytest

from simulator.cli import options
from simulator.errors import UsageError
from simulator.swarm.arms import names


def test_durations_sizes_headers_and_names_are_read() -> None:
    assert options.duration("2 min", "--for") == 120
    assert options.duration(None, "--for") is None
    assert options.size("1 MiB", "--piece") == 2**20
    assert options.headers(["Authorization: Bearer a:b", "X-Empty:"]) == (
        ("Authorization", "Bearer a:b"),
        ("X-Empty", ""),
    )
    assert names(" plain, tus,, ") == ("plain", "tus")


@pytest.mark.parametrize("text", ["60", "ten s", "-", "", "5 parsecs", "1e999 s"])
def test_a_duration_without_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--deadline") as caught:
        options.duration(text, "--deadline")
    assert caught.value.exit_code == 2
    assert "60 s" in str(caught.value)


@pytest.mark.parametrize("text", ["3", "3 Mbit/s", "MB", "three MB"])
def test_a_size_without_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--piece"):
        options.size(text, "--piece")


@pytest.mark.parametrize("line", ["no colon", ": value", "Na me: v", "Name: a\r\nEvil: b", "Ünï: v"])
def test_a_line_that_is_no_header_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="--header"):
        options.headers([line])


@pytest.mark.parametrize(
    ("name", "setter"),
    [
        ("Content-Length", "transport"),
        ("content-length", "transport"),
        ("Transfer-Encoding", "transport"),
        ("TE", "transport"),
        ("Trailer", "transport"),
        ("Host", "transport"),
        ("Connection", "transport"),
        ("Keep-Alive", "transport"),
        ("Proxy-Connection", "transport"),
        ("Upgrade", "transport"),
        ("Expect", "transport"),
        ("Upload-Offset", "protocol"),
        ("Upload-Length", "protocol"),
        ("Upload-Metadata", "protocol"),
        ("Tus-Resumable", "protocol"),
        ("Content-Type", "protocol"),
        ("Content-Disposition", "protocol"),
    ],
)
def test_a_header_that_simsim_sets_itself_is_refused_by_name(name: str, setter: str) -> None:
    with pytest.raises(UsageError, match=f"--header: '{name}' is set by the {setter}"):
        options.headers(["X-Fine: 1", f"{name} : 5"])


def test_the_values_of_headers_are_left_out_of_the_command_that_a_report_shows() -> None:
    typed = [
        "run",
        "lte",
        "--header",
        "Authorization: Bearer s3cret",
        "--header=X-Key: s3cret",
        "--users",
        "3",
    ]
    shown = options.without_secrets(typed)
    assert shown == ("run", "lte", "--header", "Authorization: ...", "--header=X-Key: ...", "--users", "3")
