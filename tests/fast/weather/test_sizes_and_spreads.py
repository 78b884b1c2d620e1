"""Varying quantities as people write them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.units import parse_duration
from simulator.weather.quantities import duration_text, rate_text, size_text
from simulator.weather.sizes import parse_sizes
from simulator.weather.spreads import parse_spread

MANY = range(2000)


def draws(text: str) -> list[int]:
    sizes = parse_sizes(text)
    return [sizes.draw(1, "wifi", user, 0) for user in MANY]


def test_a_fixed_size_is_what_it_says() -> None:
    assert set(draws("3 MB")) == {3_000_000}
    assert parse_sizes("3 MB").typical == 3_000_000


def test_a_range_is_uniform_between_its_ends() -> None:
    got = draws("1 MB..5 MB")
    assert min(got) >= 1e6 and max(got) <= 5e6
    assert np.mean(got) == pytest.approx(3e6, rel=0.03)
    assert np.std(got) == pytest.approx(4e6 / math.sqrt(12), rel=0.05)
    assert parse_sizes("1 MB..5 MB").typical == 3_000_000


def test_a_lognormal_has_its_median_and_its_sigma() -> None:
    got = draws("lognormal(3 MB, 0.5)")
    assert np.median(got) == pytest.approx(3e6, rel=0.05)
    assert np.std(np.log(got)) == pytest.approx(0.5, rel=0.05)
    assert parse_sizes("lognormal(3 MB, 0.5)").typical == 3_000_000


def test_a_cap_caps() -> None:
    got = draws("lognormal(3 MB, 1.0, 4 MB)")
    assert max(got) == 4_000_000
    assert np.mean([size == 4_000_000 for size in got]) == pytest.approx(0.387, abs=0.04)


def test_a_draw_has_a_name() -> None:
    sizes = parse_sizes("1 MB..5 MB")
    names = [(1, "wifi", 0, 0), (2, "wifi", 0, 0), (1, "lte", 0, 0), (1, "wifi", 1, 0), (1, "wifi", 0, 1)]
    assert len({sizes.draw(*name) for name in names}) == len(names)
    assert sizes.draw(1, "wifi", 0, 0) == sizes.draw(1, "wifi", 0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a size"),
        ("big", "'big' is not a size such as '3 MB'"),
        ("3", "'3' is not a size such as '3 MB'; units: B"),
        ("0 MB", "'0 MB' must be more than zero"),
        ("-3 MB", "'-3 MB' must be more than zero"),
        ("0.2 B", "'0.2 B' must be more than zero"),
        ("3 MB..", "'' is not a size"),
        ("0 B..3 MB", "'0 B' must be more than zero"),
        ("3 MB..3 MB", "runs from more to less"),
        ("5 MB..3 MB", "runs from more to less"),
        ("normal(3 MB, 1)", "is no known distribution"),
        ("lognormal()", "has too few or too many figures"),
        ("lognormal(3 MB, 0.5, 9 MB, 1)", "has too few or too many figures"),
        ("lognormal(3 MB, 0.5 MB)", "sigma '0.5 MB' must be a number"),
        ("lognormal(3 MB, nan)", "sigma 'nan' must be a number"),
        ("lognormal(3 MB, 0)", "sigma '0' must be a number"),
        ("1001 GB", "out of reach; sizes go up to 1 TB"),
        ("1 MB..1001 GB", "out of reach; sizes go up to 1 TB"),
    ],
)
def test_what_is_no_size_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_sizes(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["2 s", "10 s..60 s", "exponential(1.5 s)", "lognormal(1 s, 0.75, 6 s)"])
@pytest.mark.parametrize("u", [0.0, 0.5, math.nextafter(1, 0)])
def test_every_uniform_number_makes_a_finite_length(text: str, u: float) -> None:
    got = parse_spread(text, parse_duration).at(u)
    assert 0 <= got < math.inf


def test_the_exponential_has_its_mean_at_the_right_quantile() -> None:
    spread = parse_spread("exponential(1.5 s)", parse_duration)
    assert spread.at(1 - math.exp(-1)) == pytest.approx(1.5)
    assert spread.median == pytest.approx(1.5 * math.log(2))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (duration_text(0.0), "0 s"),
        (duration_text(0.04), "40 ms"),
        (duration_text(60.0), "60 s"),
        (duration_text(12.3456789), "12.3456789 s"),
        (duration_text(86400.0), "86400 s"),
        (rate_text(None), "unlimited"),
        (rate_text(2e6), "2 Mbit/s"),
        (rate_text(1234567.0), "1234567.0 bit/s"),
        (size_text(3_000_000), "3 MB"),
        (size_text(65536), "64 KiB"),
        (size_text(1_234_567), "1234567 B"),
    ],
)
def test_figures_are_written_so_that_they_read_back_exactly(written: str, read: str) -> None:
    assert written == read
