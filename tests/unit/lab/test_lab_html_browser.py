"""The report in a real browser: light and dark, phone and desktop."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from everstock.artifacts import find_root
from everstock.lab import html
from support.browser import NoBrowser, Page, browser
from support.pages import gallery

CACHE = find_root() / ".venv" / "browser"
DESKTOP, PHONE = (1440, 900), (390, 844)
DRAW = "report.drawAll().then(() => true)"
LUMINANCE = """getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"""
FIGURES = """[...document.querySelectorAll("figure.chart")].map((chart) => ({
    id: chart.id,
    marks: [...chart.querySelectorAll(".trace")].filter((t) => t.getBBox().width > 0 || t.getBBox().height > 0).length,
    wanted: JSON.parse(chart.querySelector(".spec").textContent).traces.length,
    ticks: chart.querySelectorAll(".ytick text").length,
}))"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    try:
        with browser(CACHE) as page:
            yield page
    except NoBrowser as missing:
        pytest.skip(f"NOT RUN: {missing}")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(html.render(gallery(holds=False), "Seed 1."), encoding="utf-8")
    return file


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_report_is_drawn(tab: Page, report: Path, size: tuple[int, int], dark: bool):
    tab.open(report, *size, dark=dark, phone=size == PHONE)
    assert tab.ask(DRAW)
    assert tab.errors == []
    assert tab.requests == [report.as_uri()], "it asks for nothing but itself"
    assert tab.ask("document.documentElement.scrollWidth") == size[0], "nothing sticks out sideways"
    assert (tab.ask(LUMINANCE) < 60) is dark
    for figure in tab.ask(FIGURES):
        assert figure["marks"] == figure["wanted"], figure
        assert figure["ticks"] > 1, figure
    assert tab.ask("document.querySelector('h1').getClientRects()[0].width") > 100, "there is a font to read"
    _is_a_picture(tab.picture(), size, dark)


def _is_a_picture(png: bytes, size: tuple[int, int], dark: bool) -> None:
    image = Image.open(BytesIO(png)).convert("RGB")
    assert image.size == size
    colours = image.getcolors(maxcolors=size[0] * size[1])
    assert colours is not None
    assert len(colours) > 50, "text and lines are drawn"
    _, ground = max(colours)
    assert (sum(ground) / 3 < 60) is dark


def test_every_plot_has_its_colours_in_the_picture(tab: Page, report: Path):
    """Pixels, not nodes: the colour of the first series is seen inside each plot."""
    tab.open(report, *DESKTOP)
    tab.ask(DRAW)
    image = Image.open(BytesIO(tab.picture(whole=True))).convert("RGB")
    boxes = tab.ask(
        """[...document.querySelectorAll(".plot")].map((plot) => {
            const box = plot.getBoundingClientRect();
            return [box.left, box.top + scrollY, box.right, box.bottom + scrollY].map(Math.round);
        })"""
    )
    assert len(boxes) == 8
    for box in boxes:
        plot = image.crop(tuple(box))
        colours = plot.getcolors(maxcolors=plot.width * plot.height)
        blue = sum(count for count, (r, g, b) in colours if b > 120 and b - r > 60 and g > r)
        assert blue > 20, box


def test_the_button_changes_the_theme_of_page_and_charts(tab: Page, report: Path):
    line = "document.querySelector('.js-line').style.stroke"
    tab.open(report, *DESKTOP)
    tab.ask("localStorage.clear()")
    tab.open(report, *DESKTOP)
    tab.ask(DRAW)
    before, paper = tab.ask(line), tab.ask(LUMINANCE)
    tab.ask("document.querySelector('.theme').click()")
    after = tab.ask(line)
    assert before != after
    assert tab.ask(LUMINANCE) < 60 < paper
    tab.open(report, *DESKTOP)
    assert tab.ask("document.documentElement.dataset.theme") == "dark", "and it is remembered"
    tab.ask("localStorage.clear()")
    assert tab.errors == []


def test_a_name_hides_its_series_by_mouse_and_by_keyboard(tab: Page, report: Path):
    tab.open(report, *DESKTOP)
    tab.ask(DRAW)
    lines = "document.querySelectorAll('#every-mark-1 .js-line').length"
    assert tab.ask(lines) == 2
    tab.ask("document.querySelector('#every-mark-1 .legend button').click()")
    assert tab.ask(lines) == 1
    assert tab.ask("document.querySelector('#every-mark-1 .legend button').ariaPressed") == "false"
    tab.ask("document.querySelector('#every-mark-1 .legend button').focus()")
    for kind in ("keyDown", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key=" ", code="Space", text=" " if kind == "keyDown" else "")
    assert tab.ask(lines) == 2


def test_figures_open_under_their_chart(tab: Page, report: Path):
    tab.open(report, *PHONE, phone=True)
    tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert tab.ask("document.querySelector('#every-mark-1 table').rows.length") == 60
    assert tab.ask("document.documentElement.scrollWidth") == PHONE[0]


def test_an_error_in_a_page_is_noticed(tab: Page, tmp_path: Path):
    """The test of the tests."""
    file = tmp_path / "broken.html"
    file.write_text("<script>missing()</script><div style='width:2000px'>x</div><img src='http://127.0.0.1:9/x'>")
    tab.open(file, *PHONE, phone=True)
    assert any("missing is not defined" in error for error in tab.errors)
    assert "http://127.0.0.1:9/x" in tab.requests
    assert tab.ask("document.documentElement.scrollWidth") > PHONE[0]
