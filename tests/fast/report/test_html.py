"""report.html: one file that loads nothing, says everything, and trusts no name."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from simulator.report import html
from simulator.report.charts import CHARTS, style
from simulator.report.findings import Findings
from tests.helpers.made_summary import empty_findings, made_findings, warned

HOSTILE = "<script>alert('1')</script> \"&amp; $x$ --> ]]>"
VOID = {"meta", "br", "hr", "img", "link", "input", "use", "path", "rect"}
LOADS = ("src", "srcset", "data", "poster", "action", "background")


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, text, and order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *, outside: tuple[str, ...] = ("style",)) -> str:
        return " ".join(data for tag, data in self.words if tag not in outside)


def made_page(findings: Findings) -> str:
    return html.page(findings, {name: style.svg(chart.draw(findings)) for name, chart in CHARTS.items()})


@pytest.fixture(scope="module")
def source() -> str:
    return made_page(made_findings())


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


@pytest.fixture(scope="module")
def hostile() -> Page:
    return Page(made_page(made_findings(users=2, profile=HOSTILE, server=HOSTILE, evidence=HOSTILE)))


def test_every_element_is_closed_in_its_place(page: Page) -> None:
    assert page.open == []


def test_the_page_loads_nothing_from_anywhere(source: str, page: Page) -> None:
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    for _, attributes in page.elements:
        assert not [name for name in LOADS if name in attributes]
        target = attributes.get("xlink:href") or "#"
        assert target.startswith("#")
    assert not re.search(r"url\((?!#)|@import", source)


def test_no_link_leads_out_of_the_page_which_may_be_copied_alone(page: Page) -> None:
    assert not [link for link in page.all("a") if not str(link.get("href")).startswith("#")]


def test_the_page_says_where_the_files_of_its_pictures_lie(page: Page) -> None:
    said = " ".join(page.text().split())
    for name in CHARTS:
        assert (
            f"In the folder of the run, {made_findings().summary.plan.id}, this is charts/{name}.png" in said
        )


def test_the_page_is_small(source: str) -> None:
    assert len(source.encode()) < 3_000_000


def test_every_picture_has_a_name_and_a_description(page: Page) -> None:
    pictures = page.all("svg")
    assert len(pictures) == len(CHARTS) and not page.all("img")
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= ids
    described = [data for tag, data in page.words if tag == "desc"]
    assert described == [chart.meaning(made_findings()) for chart in CHARTS.values()]


def test_no_two_elements_share_an_id(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_reference_inside_a_picture_has_its_target(source: str, page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', source)) <= {(i, "") for i in ids} | {
        ("", i) for i in ids
    }


def test_pictures_wear_the_colours_of_the_page(source: str) -> None:
    pictures = "".join(re.findall(r"<svg.*?</svg>", source, re.DOTALL))
    assert "var(--ink)" in pictures and "var(--tus)" in pictures
    assert set(re.findall(r"#[0-9a-f]{6}\b", pictures)) <= {"#000000", "#ffffff"}
    declared = set(re.findall(r"(--[\w-]+):", source))
    assert set(re.findall(r"var\((--[\w-]+)\)", source)) <= declared


def test_the_page_has_landmarks_and_headings_in_order(page: Page) -> None:
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_head_has_a_scope(page: Page) -> None:
    heads = page.all("th")
    assert heads and all(head.get("scope") in ("col", "row") for head in heads)


def test_the_answer_comes_first(source: str) -> None:
    headline = source.index("<h1>Resumption avoided at least")
    assert headline < source.index('class="state valid"') < source.index("<table") < source.index("<svg")


def test_every_number_has_a_unit() -> None:
    summary = made_findings().summary
    rows = [row for arm in summary.arms for row in html.number_rows(arm)]
    rows += [html.number_row(name, number) for name, number in summary.instrument.items()]
    assert rows
    for row in rows:
        assert row.value == "not measured" or re.search(r"\d\N{NO-BREAK SPACE}\D+$|\d \D+$", row.value), row


def test_what_was_not_measured_says_why(page: Page) -> None:
    text = page.text()
    assert "not measured" in text
    assert "no interruption had a fault to pair with" in text


def test_the_page_tells_how_to_run_it_again(page: Page) -> None:
    assert "simsim run mobile-flaky --seed 1" in page.text()


def test_anything_but_valid_stands_before_the_headline() -> None:
    findings = made_findings(users=2)
    source = made_page(dataclasses.replace(findings, summary=warned(findings, "invalid")))
    assert source.index("the figures below prove nothing") < source.index("<h1>")
    assert source.index("use fewer users") < source.index("<h1>")


def test_a_run_in_which_nothing_moved_has_a_page() -> None:
    page = Page(made_page(empty_findings()))
    assert "No fault struck." in page.text()


def test_hostile_names_make_no_element_and_are_shown_as_they_are(hostile: Page, page: Page) -> None:
    assert hostile.open == []
    assert not hostile.all("script")
    assert {tag for tag, _ in hostile.elements} <= {tag for tag, _ in page.elements}
    assert hostile.text().count(HOSTILE) >= 3
