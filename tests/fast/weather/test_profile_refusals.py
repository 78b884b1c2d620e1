"""Bad profiles: each is refused in one line with the file, the key and the mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.weather import load_profile

GOOD = """\
name = "attic"
summary = "for tests"

[link]
up = "2 Mbit/s"
down = "8 Mbit/s"
delay = "40 ms"
jitter = "10 ms"
queue = "64 KiB"

[weather.availability]
good = "60 s"
bad = "25 s"
outage_every_good = "60 s"
outage_every_bad = "5 s"
outages = [{ share = 0.9, length = "1 s" }, { share = 0.1, length = "lognormal(8 s, 1.0, 120 s)" }]

[[weather.consequences]]
over = "0 s"
stall = 1.0

[[weather.consequences]]
over = "3 s"
stall = 0.7
reset = 0.3

[weather.rate]
phi = 0.75
sigma = 0.52
every = "1 s"
floor = "64 kbit/s"
ceiling = 4

[[weather.breaks]]
kind = "reset"
every = "10 s"

[[weather.events]]
kind = "handover"
at = "50 %"
for = "500 ms"

[workload]
users = 20
uploads = 1
size = "3 MB"
spawn_rate = 20
deadline = "60 s"

[policy]
stall_timeout = "5 s"

[sources]
"link" = { kind = "assumed", from = "nowhere" }
"""


def refusal(folder: Path, words: str) -> str:
    file = folder / "attic.toml"
    file.write_text(words)
    with pytest.raises(UsageError) as caught:
        load_profile(str(file))
    assert caught.value.exit_code == 2
    return str(caught.value).removeprefix(f"{file}: ")


def replaced(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_profile_that_the_others_spoil_is_good(tmp_path: Path) -> None:
    file = tmp_path / "attic.toml"
    file.write_text(GOOD)
    assert load_profile(str(file)).name == "attic"


# old text, new text, the message
SPOILED = [
    # shape
    (
        "[link]\n",
        "[link\n",
        "is not TOML: Expected ']' at the end of a table declaration (at line 4, column 6)",
    ),
    ('up = "2 Mbit/s"\n', "", "link.up: is missing (hint: add it)"),
    ("[link]\n", '[link]\nupp = "1 Mbit/s"\n', "link.upp: unknown key 'upp' (hint: did you mean 'up'?)"),
    (
        "[policy]\nstall_",
        "[policy]\nstal_",
        "unknown key 'stal_timeout' (hint: did you mean 'stall_timeout'?)",
    ),
    (
        'summary = "for',
        'sumary = "x"\nsummary = "for',
        "sumary: unknown key 'sumary' (hint: did you mean 'summary'?)",
    ),
    (
        'every = "10 s"\n',
        'evry = "10 s"\n',
        "weather.breaks.0.evry: unknown key 'evry' (hint: did you mean 'every'?)",
    ),
    ('summary = "for tests"', "summary = 3", "summary: 3 is not text in quotes"),
    ('name = "attic"', 'name = "../attic"', "name: '../attic' cannot name a folder"),
    # units
    (
        'up = "2 Mbit/s"',
        "up = 2",
        'link.up: 2 has no unit (hint: write it as text with its unit, such as "2 Mbit/s")',
    ),
    ('up = "2 Mbit/s"', 'up = "2 Mbps"', "link.up: '2 Mbps' is not a rate such as '2 Mbit/s'; units: bit/s"),
    ('delay = "40 ms"', "delay = true", "link.delay: is not a quantity"),
    ('delay = "40 ms"', "delay = 0.04", "link.delay: 0.04 has no unit (hint: write it as text with its unit"),
    ('delay = "40 ms"', 'delay = "40"', "link.delay: '40' is not a duration such as '40 ms'"),
    ('queue = "64 KiB"', 'queue = "64 ms"', "link.queue: '64 ms' is not a size such as '3 MB'"),
    # out of reach
    ('up = "2 Mbit/s"', 'up = "-2 Mbit/s"', "link.up: '-2 Mbit/s' is no rate a link can have"),
    ('up = "2 Mbit/s"', 'up = "0 Mbit/s"', "link.up: '0 Mbit/s' is no rate a link can have"),
    (
        'down = "8 Mbit/s"',
        'down = "11 Gbit/s"',
        "link.down: '11 Gbit/s' is out of reach (hint: at most 10 Gbit/s",
    ),
    ('delay = "40 ms"', 'delay = "-1 ms"', "link.delay: '-1 ms' is out of reach"),
    ('jitter = "10 ms"', 'jitter = "41 ms"', "link.jitter: is more than the delay it varies"),
    ('queue = "64 KiB"', 'queue = "1 B"', "link.queue: '1 B' is no queue a link can have"),
    ("users = 20", "users = 0", "workload.users: 0 is out of reach (hint: from 1 to 100000)"),
    ("users = 20", "users = -3", "workload.users: -3 is out of reach (hint: from 1 to 100000)"),
    ("users = 20", "users = 100001", "workload.users: 100001 is out of reach (hint: from 1 to 100000)"),
    ("users = 20", "users = 2.5", "workload.users: 2.5 is not a whole number"),
    ("users = 20", "users = true", "workload.users: true is not a whole number"),
    ("spawn_rate = 20", "spawn_rate = inf", "workload.spawn_rate: inf is not a finite number"),
    ('size = "3 MB"', 'size = "0 MB"', "workload.size: '0 MB' must be more than zero"),
    ('size = "3 MB"', 'size = "-3 MB"', "workload.size: '-3 MB' must be more than zero"),
    ('size = "3 MB"', "size = 3000000", "workload.size: 3000000 is not text in quotes"),
    ('size = "3 MB"', 'size = "5 MB..1 MB"', "workload.size: '5 MB..1 MB' runs from more to less"),
    (
        'size = "3 MB"',
        'size = "lognormal(3 MB)"',
        "workload.size: 'lognormal(3 MB)' has too few or too many figures",
    ),
    ('size = "3 MB"', 'size = "2000 GB"', "workload.size: '2000 GB' is out of reach"),
    ('deadline = "60 s"', 'deadline = "0 s"', "workload.deadline: '0 s' must be more than zero"),
    ("uploads = 1\n", "", "workload.uploads: needs either uploads or a duration"),
    ("uploads = 1", "uploads = 0", "workload.uploads: 0 is out of reach (hint: from 1 to 10000)"),
    ("uploads = 1", "uploads = 10001", "workload.uploads: 10001 is out of reach"),
    (
        "spawn_rate = 20",
        "spawn_rate = 1e-300",
        "workload.spawn_rate: 1e-300 is out of reach (hint: from 0.01",
    ),
    (
        "users = 20\n",
        "users = 99999\n",
        "workload.users: the weather of 99999 users for 90 s would have about 1.2e+07 steps",
    ),
    ("users = 20\n", "users = 90000\n", "workload.users: "),
    (
        'deadline = "60 s"',
        'deadline = "1 us"',
        "workload.deadline: '1 µs' is out of reach (hint: from 100 ms to",
    ),
    (
        'deadline = "60 s"',
        'deadline = "25 h"',
        "workload.deadline: '25 h' is out of reach (hint: from 0 s up to",
    ),
    (
        'deadline = "60 s"',
        'deadline = "24 h"',
        "workload.users: the weather of 20 users for 86430 s",
    ),
    # the policy
    (
        'stall_timeout = "5 s"',
        'piece = "1 B"',
        "policy.piece: '1 B' is out of reach (hint: from 1 KiB to 1000 GB)",
    ),
    (
        'stall_timeout = "5 s"',
        'stall_timeout = "1 us"',
        "policy.stall_timeout: '1 µs' is out of reach (hint: from",
    ),
    ('stall_timeout = "5 s"', 'connect_timeout = "2 h"', "policy.connect_timeout: '7200 s' is out of reach"),
    ('stall_timeout = "5 s"', 'blocked_wait = "1 us"', "policy.blocked_wait: '1 µs' is out of reach"),
    ('stall_timeout = "5 s"', 'backoff = ["0 s", "2 h"]', "policy.backoff: '7200 s' is out of reach"),
    ('stall_timeout = "5 s"', "retries = -1", "policy.retries: -1 is out of reach (hint: from 0 to"),
    # too much weather to draw
    (
        'every = "10 s"',
        'every = "1 us"',
        "weather.breaks.0.every: the weather of one user for 90 s would have",
    ),
    ('every = "1 s"', 'every = "1 us"', "weather.rate.every: the weather of one user"),
    (
        'outage_every_bad = "5 s"',
        'outage_every_bad = "1 us"',
        "weather.availability.outage_every_bad: the weather",
    ),
    (
        'outage_every_good = "60 s"',
        'outage_every_good = "9 us"',
        "weather.availability.outage_every_good: the",
    ),
    (
        'good = "60 s"\nbad = "25 s"',
        'good = "1 us"\nbad = "2 us"',
        "weather.availability.good: the weather of one user",
    ),
    ("uploads = 1", 'uploads = 1\nduration = "9 s"', "workload.uploads: needs either uploads or a duration"),
    ("uploads = 1", "uploads = 9999", "workload.deadline: the uploads' deadlines add up to more than 24 h"),
    # shares
    (
        "share = 0.9",
        "share = 0.8",
        "weather.availability.outages: the shares sum to 0.9 (hint: they must sum to 1)",
    ),
    (
        "share = 0.9",
        "share = 1.1",
        "weather.availability.outages.0.share: 1.1 is out of reach (hint: at most 1)",
    ),
    (
        "reset = 0.3",
        "reset = 0.2",
        "weather.consequences.1: the shares sum to 0.9 (hint: they must sum to 1)",
    ),
    ("reset = 0.3", "reset = -0.3", "weather.consequences.1.reset: -0.3 is out of reach (hint: at least 0)"),
    ('over = "3 s"', 'over = "0 s"', "weather.consequences.1.over: is not more than the row before"),
    ('over = "0 s"', 'over = "1 s"', "weather.consequences.0.over: the shortest outages have no consequence"),
    ("lognormal(8 s, 1.0", "lognormal(8 s, 9", "weather.availability.outages.1.length: sigma '9' must be"),
    ("lognormal(8 s, 1.0", "lognormel(8 s, 1.0", "is no known distribution; did you mean 'lognormal'?"),
    # the rate layer
    ("phi = 0.75", "phi = 1", "weather.rate.phi: the rate would wander off (hint: less than 1)"),
    ('floor = "64 kbit/s"', 'floor = "3 Mbit/s"', "weather.rate.floor: is above link.up"),
    ('floor = "64 kbit/s"', 'floor = "unlimited"', "weather.rate.floor: 'unlimited' is no floor"),
    ("ceiling = 4", "ceiling = 0.5", "weather.rate.ceiling: 0.5 is out of reach (hint: at least 1)"),
    ('up = "2 Mbit/s"', 'up = "unlimited"', "weather.rate: an unlimited link has no rate to vary"),
    # faults
    (
        'kind = "reset"',
        'kind = "rest"',
        "weather.breaks.0.kind: unknown fault 'rest' (hint: did you mean 'reset'?)",
    ),
    ('kind = "reset"', 'kind = "stall"', "weather.breaks.0.for: 'stall' needs it (hint: add for = \"2 s\")"),
    ('kind = "reset"', 'kind = "reset"\nfor = "1 s"', "weather.breaks.0.for: 'reset' has no use for it"),
    ('kind = "reset"', 'kind = "slow"\nfor = "1 s"', "weather.breaks.0.factor: 'slow' needs it"),
    (
        'kind = "reset"',
        'kind = "slow"\nfor = "1 s"\nfactor = 1.5',
        "weather.breaks.0.factor: 1.5 is out of reach",
    ),
    ('kind = "reset"', 'kind = "spike"\nfor = "1 s"', "weather.breaks.0.by: 'spike' needs it"),
    (
        'kind = "reset"',
        'kind = "cut-after"\nafter = "1 MB"',
        "weather.breaks.0.kind: 'cut-after' is struck by bytes",
    ),
    ('every = "10 s"', 'every = "0 s"', "weather.breaks.0.every: '0 s' must be more than zero"),
    ('for = "500 ms"\n', "", "weather.events.0.for: 'handover' needs it"),
    (
        'at = "50 %"',
        'at = "60 s"',
        "weather.events.0.at: '60 s' is after the last deadline (hint: less than 60 s)",
    ),
    ('at = "50 %"', 'at = "100 %"', "weather.events.0.at: '100 %' is no place inside an upload"),
    ('at = "50 %"', 'at = "half %"', "weather.events.0.at: 'half %' is no share of an upload"),
    (
        'kind = "handover"',
        'kind = "stall"',
        "weather.events.0.at: 'stall' cannot wait for a share of the upload",
    ),
    (
        'kind = "handover"\nat = "50 %"\nfor = "500 ms"',
        'kind = "cut-after"\nat = "0 s"\nafter = "0 B"',
        "weather.events.0.after: '0 B' must be more than zero",
    ),
    # sources
    (
        'kind = "assumed"',
        'kind = "guessed"',
        "sources.link.kind: 'guessed' is not known (hint: one of: 'trace'",
    ),
    ('"link" =', '"link.upp" =', 'sources."link.upp": no figure has this path (hint: did you mean'),
]


@pytest.mark.parametrize(("old", "new", "message"), SPOILED, ids=[message[:48] for _, _, message in SPOILED])
def test_a_spoiled_profile_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    said = refusal(tmp_path, replaced(old, new))
    assert message in said
    assert "\n" not in said
    assert "pydantic" not in said.lower()


def test_consequences_need_outages(tmp_path: Path) -> None:
    start, stop = GOOD.index("[weather.availability]"), GOOD.index("[[weather.consequences]]")
    said = refusal(tmp_path, GOOD[:start] + GOOD[stop:])
    assert said == "weather.consequences: there are no outages to have any (hint: add [weather.availability])"


def test_a_ramp_of_more_than_a_day_is_refused(tmp_path: Path) -> None:
    start = GOOD.index("[weather.availability]")
    calm = GOOD[:start] + GOOD[GOOD.index("[workload]") :]
    said = refusal(tmp_path, calm.replace("users = 20", "users = 1000").replace("rate = 20", "rate = 0.01"))
    assert said.startswith("workload.spawn_rate: the last user would start after more than 24 h")


def test_weather_of_a_long_run_may_be_drawn_when_it_is_rare(tmp_path: Path) -> None:
    file = tmp_path / "attic.toml"
    file.write_text(replaced('deadline = "60 s"', 'deadline = "6 h"'))
    assert load_profile(str(file)).workload.deadline_s == 21600


def test_an_unlimited_link_cannot_be_slowed(tmp_path: Path) -> None:
    words = GOOD[: GOOD.index("[weather.availability]")] + GOOD[GOOD.index("[workload]") :]
    slow = '[[weather.breaks]]\nkind = "slow"\nfor = "1 s"\nfactor = 0.5\nevery = "9 s"\n'
    said = refusal(tmp_path, words.replace('"2 Mbit/s"', '"unlimited"') + slow)
    assert said.startswith("weather.breaks.0.kind: an unlimited link cannot be slowed")


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("mobile-flakey")
    assert str(caught.value) == "unknown profile 'mobile-flakey' (hint: did you mean 'mobile-flaky'?)"


@pytest.mark.parametrize("word", ["", "zzz", "mobile-flaky\0", ".."])
def test_a_name_like_no_profile_is_met_with_all_of_them(word: str) -> None:
    with pytest.raises(UsageError, match="unknown profile"):
        load_profile(word)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.exists, "cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"name = '\xff'"), "is not UTF-8 text (byte 8)"),
        (lambda path: path.write_text("a = " + "[" * 5000), "nests too deep|is not TOML"),
        (lambda path: path.write_text(""), "summary: is missing"),
    ],
)
def test_a_file_that_is_no_profile_is_refused(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    file = tmp_path / "p.toml"
    make(file)
    with pytest.raises(UsageError) as caught:
        load_profile(str(file))
    assert any(part in str(caught.value) for part in message.split("|"))
