"""Bad input for simsim proxy: one line, exit code 2, and nothing is started."""

from __future__ import annotations

import sys

import pytest

from simulator.cli import main as cli
from simulator.cli import proxy

LTE = ("lte", "--upstream", "127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lt", "--upstream", "127.0.0.1:9"), "did you mean 'lte'"),
        (("/nowhere/x.toml", "--upstream", "127.0.0.1:9"), "cannot be read"),
        (("lte", "--upstream", "127.0.0.1"), "has no port"),
        (("lte", "--upstream", "127.0.0.1:0"), "from 1 to 65535"),
        (("lte", "--upstream", "127.0.0.1:http"), "from 1 to 65535"),
        (("lte", "--upstream", ""), "has no host"),
        (("lte", "--upstream", ":80"), "has no host"),
        (("lte", "--upstream", "::1:80"), "brackets"),
        (("lte", "--upstream", "[::1"), "brackets"),
        (("lte", "--upstream", "http://127.0.0.1:80/"), "is a URL"),
        (("lte", "--upstream", "nowhere.invalid:80"), "has no address"),
        (("lte", "--upstream", "a..b:80"), "has no address"),
        (("lte", "--upstream", "192.0.2.1:80"), "--allow-remote"),
        (("lte", "--upstream", "0.0.0.0:80"), "--allow-remote"),
        ((*LTE, "--links", "0"), "--links"),
        ((*LTE, "--links", "101"), "--links"),
        ((*LTE, "--port", "65535", "--links", "2"), "no room"),
        ((*LTE, "--port", "65536"), "--port"),
        ((*LTE, "--port", "9"), "where the links listen"),
        ((*LTE, "--port", "8", "--links", "2"), "where the links listen"),
        (("lte", "--upstream", "localhost:9", "--bind", "0.0.0.0", "--port", "9"), "where the links listen"),
        ((*LTE, "--listen", "0.0.0.0:80"), "--bind 0.0.0.0 --port 80"),
        ((*LTE, "--listen", "127.0.0.1"), "has no port"),
        ((*LTE, "--listen", "127.0.0.1:80", "--port", "80"), "one of the two"),
        ((*LTE, "--bind", "nowhere.invalid"), "has no address"),
        ((*LTE, "--bind", "127.0.0.1:80"), "has no address"),
        ((*LTE, "--for", "soon"), "--for"),
        ((*LTE, "--for", "0 s"), "above zero"),
        ((*LTE, "--for", "25 h"), "24 h"),
        ((*LTE, "--user", "-1"), "--user"),
        ((*LTE, "--seed", "x"), "--seed"),
        ((), "profile"),
    ],
    ids=" ".join,
)
def test_bad_input_is_refused_in_one_line_before_anything_starts(
    words: tuple[str, ...],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(proxy, "_serve", lambda *_: pytest.fail("it was started"))
    monkeypatch.setattr(sys, "argv", ["simsim", "proxy", *words])
    assert cli.main() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1, err
    assert err.startswith("simsim: ")
