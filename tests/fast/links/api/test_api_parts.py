"""The pure parts of the engine's API: paths, addresses, numbers, chance, and a lane's changing line."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.links.embedded.api import addresses, chance
from simulator.links.embedded.api.decode import Number, decode, single
from simulator.links.embedded.api.lanes import MOST, Line
from simulator.links.embedded.api.refusals import Refusal
from simulator.links.embedded.api.routes import match
from simulator.links.embedded.api.toxics import KINDS
from simulator.links.embedded.api.toxics.kind import Shape, together
from simulator.weather.timeline import Jitter

# Paths


@pytest.mark.parametrize(
    ("method", "target", "name", "words"),
    [
        ("GET", "/proxies", "proxies", ()),
        ("GET", "/proxies?x=1", "proxies", ()),
        ("GET", "http://localhost:8474/proxies", "proxies", ()),
        ("PATCH", "/proxies/a%20b/toxics/c%C3%A9", "update_toxic", ("a b", "cé")),
        ("POST", "/proxies/reset/reset", "strike_reset", ("reset",)),
        ("BREW", "/metrics", "metrics", ()),
    ],
)
def test_a_request_is_known_by_its_method_and_path(
    method: str, target: str, name: str, words: tuple[str, ...]
) -> None:
    found = match(method, target)
    assert (found.name, found.words, found.status) == (name, words, 200)


@pytest.mark.parametrize(
    ("method", "target", "status", "location"),
    [
        ("GET", "/nope", 404, ""),
        ("GET", "/proxies/", 404, ""),
        ("GET", "/proxies/a%2Fb", 404, ""),
        ("PUT", "/proxies", 405, ""),
        ("GET", "//proxies", 301, "/proxies"),
        ("GET", "/x/../proxies/./a/?q", 301, "/proxies/a/?q"),
        ("GET", "/%zz", 400, ""),
    ],
)
def test_what_is_no_request_has_the_status_of_toxiproxys_router(
    method: str, target: str, status: int, location: str
) -> None:
    found = match(method, target)
    assert (found.status, found.location) == (status, location)


# Addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ("", 0)),
        (":80", ("", 80)),
        ("localhost:0", ("localhost", 0)),
        ("127.0.0.1:", ("127.0.0.1", 0)),
        ("127.0.0.1:+080", ("127.0.0.1", 80)),
        ("[::1]:5", ("::1", 5)),
        ("h:http", ("h", 80)),
    ],
)
def test_an_address_is_read_as_go_reads_it(text: str, address: tuple[str, int]) -> None:
    assert addresses.split(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo", "address foo: missing port in address"),
        ("::1:5", "address ::1:5: too many colons in address"),
        ("[::1", "address [::1: missing ']' in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("h:70000", "address 70000: invalid port"),
        ("h:-1", "address -1: invalid port"),
        ("h:0x50", "lookup tcp/0x50: unknown port"),
    ],
)
def test_an_address_that_is_none_is_refused_in_gos_words(text: str, words: str) -> None:
    with pytest.raises(Refusal) as refused:
        addresses.split(text)
    assert refused.value.message == words


# Numbers


def test_numbers_are_kept_as_written_and_only_the_first_value_is_read() -> None:
    assert decode(b' {"A": 1e2, "a": 100} {"b"') == {"a": Number("100")}


@pytest.mark.parametrize(("given", "kept"), [(0.1, 0.1), (1 / 3, 0.33333334), (1e-7, 1e-7), (1.0, 1.0)])
def test_a_toxicity_is_shown_as_a_32_bit_float(given: float, kept: float) -> None:
    assert single(given) == kept


# Chance


def test_a_draw_is_of_its_name_alone_and_uniform() -> None:
    draws = [chance.share(1, "p", n, "t") for n in range(4000)]
    assert draws == [chance.share(1, "p", n, "t") for n in range(4000)]
    assert all(0 <= draw < 1 for draw in draws)
    counted = Counter(int(draw * 4) for draw in draws)
    assert all(900 < counted[quarter] < 1100 for quarter in range(4))
    assert chance.share(1, "p", 1, "t") != chance.share(2, "p", 1, "t") != chance.share(2, "q", 1, "t")


# Kinds


def test_every_kind_is_registered_under_its_name_and_has_a_shape_or_a_gate() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        assert (kind.shape is None) or (kind.gate is None)
        assert name == "noop" or kind.shape is not None or kind.gate is not None


def test_shapes_together_have_the_lowest_rate_and_the_sum_of_the_delays() -> None:
    both = together(
        [Shape(rate=800, delay=1, jitter=0.1), Shape(rate=100, delay=2, slice=5, pause=1), Shape(slice=9)]
    )
    assert both == Shape(rate=100, delay=3, jitter=0.1, slice=5, pause=1)
    assert together([]) == Shape()


# A line


def line(**shape: float) -> Line:
    made = Line(lambda: Jitter(1.0, (1000, -1000)))
    made.become(Shape(**shape), 0.0)
    return made


def carried(line: Line, until: float) -> tuple[int, list[float]]:
    """Advance by every wake-up; return the bytes that left and when pieces arrived."""
    arrivals = []
    now = line.next_wake()
    while now <= until:
        line.advance(now)
        arrivals += [due for _, _, due in line.arrived(now)]
        now = line.next_wake()
    line.advance(until)
    return line.carried, arrivals


def test_a_rate_that_changes_under_way_carries_neither_more_nor_less() -> None:
    """Each piece takes seconds, and the rate changes several times while it leaves."""
    changing = line(rate=800)
    changing.push(object(), 60_000, 0.0)  # type: ignore[arg-type]
    for second in range(1, 100):  # 100 B/s and 300 B/s in turn
        carried(changing, second)
        changing.become(Shape(rate=2400 if second % 2 else 800), second)
    total, _ = carried(changing, 100)
    assert 20_000 - 1500 <= total <= 20_000


def test_a_stall_gives_nothing_back_when_it_ends() -> None:
    stalled = line(rate=0)
    stalled.push(object(), 60_000, 0.0)  # type: ignore[arg-type]
    assert carried(stalled, 100)[0] == 0
    stalled.become(Shape(rate=8000), 100)
    assert 8_000 <= carried(stalled, 110)[0] <= 10_000


def test_a_delay_that_falls_hastens_what_is_under_way_and_keeps_the_order() -> None:
    slow = line(delay=10)
    slow.push(object(), 1000, 0.0)  # type: ignore[arg-type]
    slow.advance(0.5)
    slow.become(Shape(delay=1), 0.5)
    slow.push(object(), 1000, 0.6)  # type: ignore[arg-type]
    _, arrivals = carried(slow, 100)
    assert arrivals == sorted(arrivals)
    assert arrivals == pytest.approx([1.0, 1.6], abs=0.01)


def test_a_long_delay_bounds_what_may_be_under_way() -> None:
    long = line(delay=1000)
    owner = object()
    while room := long.grant(1.0):
        long.push(owner, min(room, 65536), 1.0)  # type: ignore[arg-type]
        long.advance(1.0)
    assert MOST - 65536 <= long.in_line + long.backlog <= MOST
