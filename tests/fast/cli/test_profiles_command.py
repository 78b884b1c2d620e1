"""``simsim profiles`` as it is typed: data on stdout, one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli.profiles import app
from simulator.errors import UsageError

PROFILES = Path(__file__).parents[3] / "profiles"


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    app(list(words), standalone_mode=False)
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_list_has_a_line_for_each_profile(capsys: pytest.CaptureFixture[str]) -> None:
    lines = typed(capsys, "list").splitlines()
    assert lines[0].split() == ["name", "up", "down", "delay", "summary"]
    assert [line.split()[0] for line in lines[1:]] == sorted(path.stem for path in PROFILES.glob("*.toml"))
    assert "\x1b" not in "".join(lines)


def test_the_list_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(typed(capsys, "list", "--json"))
    assert {"name": "wifi", "up": "15 Mbit/s"}.items() <= next(r for r in rows if r["name"] == "wifi").items()


def test_show_prints_every_figure_with_its_source_and_what_is_drawn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = typed(capsys, "show", "mobile-flaky")
    assert "weather.rate.phi" in out and "trace" in out and "assumed" in out
    assert "not stated" not in out
    assert "a connection is ended       every 10.1 s" in out


def test_show_can_be_json_without_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(typed(capsys, "show", "wifi", "--json"), parse_constant=pytest.fail)
    assert data["link"]["up"] == "15 Mbit/s"
    assert data["drawn"]["ending_every_s"] is None


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
@pytest.mark.parametrize("name", ["mobile-flaky", "stale-lock", "clean"])
def test_plot_writes_a_picture_and_says_where(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str, magic: bytes, name: str
) -> None:
    file = tmp_path / f"out.{ending}"
    assert typed(capsys, "plot", name, "--users", "2", "--out", str(file)) == f"{file}\n"
    assert file.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("out", "message"),
    [("x.gif", "end it in .png or .svg"), ("no/such/folder/x.png", "cannot be written: No such file")],
)
def test_plot_refuses_where_it_cannot_write(out: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        app(["plot", "wifi", "--users", "1", "--out", out], standalone_mode=False)


def test_check_says_ok_for_good_files(capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(path) for path in sorted(PROFILES.glob("*.toml"))]
    assert typed(capsys, "check", *files) == "".join(f"{file}: ok\n" for file in files)


def test_check_stops_at_the_first_bad_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('summary = "x"\n')
    with pytest.raises(UsageError) as caught:
        app(["check", str(PROFILES / "wifi.toml"), str(bad), "/nowhere.toml"], standalone_mode=False)
    assert str(caught.value) == f"{bad}: link: is missing (hint: add it)"
    assert capsys.readouterr().out == f"{PROFILES / 'wifi.toml'}: ok\n"


def test_check_takes_any_word_for_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        app(["check", "wifi"], standalone_mode=False)


def test_check_names_figures_without_a_source(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = (PROFILES / "wifi.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(words[: words.index("[sources]")])
    out = typed(capsys, "check", str(file))
    assert out.startswith(f"{file}: ok (5 figures without a source: link.up, ")
