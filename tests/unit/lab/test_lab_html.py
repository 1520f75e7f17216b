"""What is drawn is what was found: charts and their tables, checks, escaping, and the same bytes every time."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from everstock.lab import charts, html
from everstock.lab.page import Figure, Mark, Page, Series
from support.pages import HOSTILE, START, gallery


class Shape(HTMLParser):
    """Counts tags, and checks that they are closed in order."""

    VOID = frozenset({"meta", "link", "line", "rect", "circle", "br", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        known = dict(attrs)
        if known.get("id"):
            self.ids.append(str(known["id"]))
        self.links += [str(known[name]) for name in ("href", "src") if known.get(name)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def plain(text: str) -> str:
    """The document without its scripts and styles."""
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", text, flags=re.S)


def specs(text: str) -> list[dict]:
    found = re.findall(r'<script type="application/json" class="spec">(.*?)</script>', text, re.S)
    return [json.loads(each) for each in found]


@pytest.fixture(scope="module")
def report() -> str:
    return html.render(gallery(), "Seed 1.")


def test_the_document_is_whole_and_asks_nobody(report):
    shape = Shape(report)
    assert shape.open == []
    assert len(shape.ids) == len(set(shape.ids))
    assert all(link.startswith("#") or link == "data:," for link in shape.links)
    assert {link[1:] for link in shape.links if link.startswith("#")} <= set(shape.ids)
    assert "default-src 'none'" in report


def test_the_same_pages_are_the_same_bytes(report):
    assert html.render(gallery(), "Seed 1.") == report
    assert html.render(gallery(), "Seed 2.") != report


def test_text_never_becomes_markup(report):
    assert HOSTILE not in report
    shape = Shape(plain(report))
    assert shape.count.get("b", 0) == 1, "ours, in the count of experiments"
    assert "&lt;/script&gt;" in plain(report)


def test_every_chart_has_its_figures_its_unit_and_its_command(report):
    pages = gallery()
    figures = [figure for page in pages for figure in page.figures]
    drawn = specs(report)
    assert len(drawn) == len(figures) == report.count("<summary>Figures</summary>")
    for spec, figure in zip(drawn, figures, strict=True):
        assert (spec["x"]["title"], spec["y"]["title"]) == (figure.x_title, figure.y_title)
        assert [trace["name"] for trace in spec["traces"]] == [series.name for series in figure.series]
    assert "<code>ape run scenario every-mark --seed 7</code>" in report


def test_the_index_has_one_line_an_experiment():
    pages = gallery()
    text = html.render(pages)
    index = text[text.index('<nav class="index"') : text.index('<section class="page"')]
    assert index.count("<li>") == len(pages)
    assert pages[0].finding in index
    assert "2 of 2 held" in index


def test_a_failed_check_is_loud():
    held, failed = html.render(gallery()), html.render(gallery(holds=False))
    assert 'role="alert"' not in held
    alarm = failed[failed.index('role="alert"') : failed.index('<nav class="index"')]
    assert "A claim does not hold" in alarm
    assert "The options&#x27; prices stand still" in alarm
    assert "moved by 3.10%" in alarm
    assert "1 of 2 failed" in failed
    assert '<li class="failed">' in failed
    assert "1 of 3 checks did not hold" in failed


def test_a_single_page_stands_alone():
    text = html.render(gallery()[:1])
    assert "<title>Every way of drawing · Everstock</title>" in text
    assert '<nav class="index"' not in text
    assert len(re.findall(r"<h1[ >]", text)) == 1


def test_no_chart_stands_beside_a_gap():
    narrow, wide = (
        Figure("n", "x", "y", [Series("s", [1], [1])]),
        Figure("w", "x", "y", [Series("s", list(range(500)), list(range(500)))]),
    )
    assert html._widths([narrow]) == [True]
    assert html._widths([narrow, narrow]) == [False, False]
    assert html._widths([narrow, narrow, narrow]) == [False, False, True]
    assert html._widths([narrow, wide, narrow, narrow]) == [True, True, False, False]


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (23_781, "23,781"),
        (-1_234.5678, "−1,234.57"),
        (0.012345678, "0.0123457"),
        (1 / 3, "0.333333"),
        (1e-9, "1e−09"),
        (2.5e14, "250,000,000,000,000"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert charts.number(value) == text


def test_times_are_utc():
    figure = Figure("f", "time", "y", [Series("s", [START, START + 60], [1, 2])], x_is_time=True)
    spec = charts.spec(figure)
    assert spec["x"]["type"] == "date"
    assert spec["traces"][0]["x"] == ["2026-01-05 14:30:00", "2026-01-05 14:31:00"]
    assert charts.table(figure).rows[0][0] == "2026-01-05 14:30"


def test_a_long_curve_keeps_its_extremes():
    ys = [0.0] * 50_000
    ys[31_415], ys[27_182] = 100.0, -100.0
    (trace,) = charts.spec(Figure("f", "x", "y", [Series("s", list(range(len(ys))), ys)]))["traces"]
    assert len(trace["x"]) == len(trace["y"]) <= charts.MOST_POINTS + 2
    assert (max(trace["y"]), min(trace["y"])) == (100, -100)
    assert trace["x"][trace["y"].index(100)] == 31_415
    assert trace["x"] == sorted(trace["x"])
    assert (trace["x"][0], trace["x"][-1]) == (0, 49_999)


def test_a_table_says_what_it_leaves_out():
    figure = Figure("f", "x", "y", [Series("s", list(range(1000)), list(range(1000)))])
    table = charts.table(figure)
    assert len(table.rows) + table.left_out == 1000
    assert (table.rows[0], table.rows[-1]) == (["0", "0"], ["999", "999"])
    assert f"{table.left_out} rows between these are left out here" in html.render([_page(figure)])


def test_curves_over_other_points_are_told_apart():
    figure = Figure("f", "x", "y", [Series("a", [1, 2], [3, 4]), Series("b", [5], [6])])
    assert charts.table(figure).rows == [["a", "1", "3"], ["a", "2", "4"], ["b", "5", "6"]]


def test_a_sample_is_counted_whole_in_bins_that_all_share():
    samples = [Series("a", [0, 1, 2, 50], mark=Mark.HISTOGRAM), Series("b", [10] * 7, mark=Mark.HISTOGRAM)]
    figure = Figure("f", "result, %", "paths", samples)
    one, other = charts.spec(figure)["traces"]
    assert one["x"] == other["x"]
    assert (sum(one["y"]), sum(other["y"])) == (4, 7)
    (row, _) = charts.table(figure).rows
    assert row == ["a", "4", "13.25", "0", "0.15", "1.5", "42.8", "50"]


def test_what_is_no_number_is_a_hole():
    (trace,) = charts.spec(Figure("f", "x", "y", [Series("s", [1, 2], [float("nan"), 1])]))["traces"]
    assert trace["y"] == [None, 1]


def test_logarithmic_axes_have_full_numbers():
    figure = Figure("f", "x", "y", [Series("s", [1, 10_000], [20, 300])], log_x=True, log_y=True)
    spec = charts.spec(figure)
    assert spec["x"]["labels"] == ["1", "10", "100", "1,000", "10,000"]
    assert spec["y"]["labels"] == ["10", "20", "50", "100", "200", "500", "1,000", "2,000", "5,000"]


def _page(*figures: Figure) -> Page:
    return Page("p", "P", "?", "!", "p", figures)
