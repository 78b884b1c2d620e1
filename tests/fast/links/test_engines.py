"""The name of an engine, or the URL of one: whatever cannot be one is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.links.engines import check_engine


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("toxyproxy", "did you mean 'toxiproxy'"),
        ("", "there is no engine ''"),
        ("TOXIPROXY ", "there is no engine"),
        ("localhost:8474", "URL of a toxiproxy"),
        ("ftp://127.0.0.1:8474", "is not the URL of a toxiproxy's API"),
        ("https://127.0.0.1:8474", "is not the URL of a toxiproxy's API"),
        ("http://", "is not the URL of a toxiproxy's API"),
        ("http://127.0.0.1:8474/proxies", "is not the URL of a toxiproxy's API"),
        ("http://127.0.0.1:8474/?x=1", "is not the URL of a toxiproxy's API"),
        ("http://me:secret@127.0.0.1:8474", "is not the URL of a toxiproxy's API"),
        ("http://127.0.0.1:notaport", "is not a URL"),
        ("http://127.0.0.1:99999", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://[::1]:8474", "no address of IPv4"),
        ("http://192.0.2.1:8474", "add --allow-remote"),
    ],
)
def test_what_is_no_engine_is_refused_with_what_would_be_one(name: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_engine(name)
    assert told in str(refused.value)
    assert str(refused.value).startswith("--engine")
    assert "secret" not in str(refused.value)


def test_toxiproxy_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="hint: simsim engines install toxiproxy"):
        check_engine("toxiproxy")
