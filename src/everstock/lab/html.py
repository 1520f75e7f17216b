"""Pages as one HTML file that works from disk: text, charts, their figures, and the checks.

The same pages give the same bytes. Colours and layout live in `template/`; plotly draws, from a copy inside the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

from everstock.artifacts import find_root
from everstock.lab import charts
from everstock.lab.page import Check, Figure, Grid, Page

PLOTLY = "node_modules/plotly.js-basic-dist-min/plotly-basic.min.js"
MANY_SERIES, MANY_POINTS = 5, 400
SHORT = 18  # characters of a label that is kept on one line
TITLE = "What makes a stock token liquid?"
LEAD = (
    "Four ways of making a stock token liquid, side by side on one chain: pools paid with rewards, market makers who "
    "mint and redeem, signed quotes, and options with the token as margin. Every number was measured by a program; "
    "the command that made a page stands on it."
)


def render(pages: Sequence[Page], about: str = "", title: str = TITLE) -> str:
    """The report. `about` says what it was made with: the seed, the prices."""
    if len(pages) == 1:
        title = pages[0].title
    template = Template(_asset("report.html"))
    return template.substitute(
        title=escape(title),
        style=_asset("report.css"),
        plotly=_plotly(),
        script=_asset("report.js"),
        cover=_cover(pages, about, title),
        alarm=_alarm(pages),
        index=_index(pages) if len(pages) > 1 else "",
        contents=_contents(pages) if len(pages) > 1 else "",
        pages="\n".join(_page(page, i, "h2" if len(pages) > 1 else "h1") for i, page in enumerate(pages, 1)),
    )


def _asset(name: str) -> str:
    return (resources.files("everstock.lab") / "template" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """The basic bundle of plotly (lines, points, bars: a quarter of the whole), else the one in the Python package."""
    bundle = find_root() / PLOTLY
    if bundle.exists():
        source = bundle.read_text(encoding="utf-8")
    else:
        from plotly.offline import get_plotlyjs

        source = str(get_plotlyjs())
    return source.replace("</script", "<\\/script")


def _id(page: Page) -> str:
    return escape(page.slug, quote=True)


def _tally(checks: Sequence[Check]) -> tuple[int, int]:
    return sum(check.held for check in checks), len(checks)


# ── the top ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _cover(pages: Sequence[Page], about: str, title: str) -> str:
    """A page on its own needs no introduction."""
    made = _made(pages, about)
    if len(pages) == 1:
        return f'<div class="cover alone">{made}</div>'
    return f'<div class="cover"><h1>{escape(title)}</h1><p class="lead">{escape(LEAD)}</p>{made}</div>'


def _made(pages: Sequence[Page], about: str) -> str:
    held, checks = _tally([check for page in pages for check in page.checks])
    experiments = f"{len(pages)} experiments" if len(pages) != 1 else "One experiment"
    state = f"all {checks} checks held" if held == checks else f"{checks - held} of {checks} checks did not hold"
    made = f" {escape(about)}" if about else ""
    return f'<p class="made"><b>{experiments}</b>, {state}.{made}</p>'


def _alarm(pages: Sequence[Page]) -> str:
    broken = [(page, check) for page in pages for check in page.checks if not check.held]
    if not broken:
        return ""
    items = "".join(
        f'<li><a href="#{_id(page)}-checks">{escape(page.title)}</a>: {escape(check.claim)}. '
        f"<b>Measured: {escape(check.figure)}</b></li>"
        for page, check in broken
    )
    what = "A claim does" if len(broken) == 1 else f"{len(broken)} claims do"
    return f'<div class="alarm" role="alert"><h2>{what} not hold</h2><ul>{items}</ul></div>'


def _contents(pages: Sequence[Page]) -> str:
    items = "".join(f'<li><a href="#{_id(page)}">{escape(page.title)}</a></li>' for page in pages)
    return f'<nav class="contents" aria-label="Experiments"><ol>{items}</ol></nav>'


def _index(pages: Sequence[Page]) -> str:
    rows = "".join(
        f'<li><a href="#{_id(page)}"><span class="name">{escape(page.title)}</span>{_badge(page)}'
        f'<span class="finding">{escape(page.finding)}</span></a></li>'
        for page in pages
    )
    return f'<nav class="index" aria-label="Findings"><h2>Findings</h2><ol>{rows}</ol></nav>'


def _badge(page: Page) -> str:
    held, checks = _tally(page.checks)
    if not checks:
        return ""
    good = held == checks
    text = f"{held} of {checks} held" if good else f"{checks - held} of {checks} failed"
    return f'<span class="badge {"held" if good else "failed"}">{"✓" if good else "✗"} {text}</span>'


# ── one experiment ────────────────────────────────────────────────────────────────────────────────────────────────────
def _page(page: Page, place: int, heading: str) -> str:
    wide = _widths(page.figures)
    charts_html = "".join(_figure(figure, f"{page.slug}-{i + 1}", wide[i]) for i, figure in enumerate(page.figures))
    grids = "".join(_grid(grid) for grid in page.grids)
    notes = "".join(f"<li>{escape(note)}</li>" for note in page.notes)
    return f"""<section class="page" id="{_id(page)}" aria-labelledby="{_id(page)}-title">
<header>
<p class="place">{place:02d} <span>{escape(page.slug)}</span></p>
<{heading} id="{_id(page)}-title">{escape(page.title)}</{heading}>
<p class="question">{escape(page.question)}</p>
<p class="finding">{escape(page.finding)}</p>
{_command(page.command)}
</header>
{f'<div class="figures">{charts_html}</div>' if charts_html else ""}
{grids}
{_checks(page)}
{f'<aside class="notes"><h3>Assumed, and where others do better</h3><ul>{notes}</ul></aside>' if notes else ""}
</section>"""


def _command(command: str) -> str:
    return (
        f'<div class="command"><span class="prompt" aria-hidden="true">$</span><code>{escape(command)}</code>'
        f'<button type="button" class="copy" aria-label="Copy the command">copy</button></div>'
    )


def _checks(page: Page) -> str:
    if not page.checks:
        return ""
    rows = "".join(
        f'<li class="{"held" if check.held else "failed"}"><span class="sign">{"✓" if check.held else "✗"}</span>'
        f'<span class="claim"><span class="said">{"held: " if check.held else "not held: "}</span>'
        f'{escape(check.claim)}</span><span class="measured">{escape(check.figure)}</span></li>'
        for check in page.checks
    )
    return f'<div class="checks" id="{_id(page)}-checks"><h3>Checks {_badge(page)}</h3><ul>{rows}</ul></div>'


def _widths(figures: Sequence[Figure]) -> list[bool]:
    """Which charts take a whole row: those with much in them, and those that would stand beside a gap."""
    wide = [len(f.series) > MANY_SERIES or any(len(s.x) > MANY_POINTS and s.y for s in f.series) for f in figures]
    left = False  # the last narrow chart stands alone in its row
    for i in range(len(wide)):
        if not wide[i]:
            left = not left
        elif left:
            wide[i - 1], left = True, False
    if left:
        wide[-1] = True
    return wide


def _figure(figure: Figure, ident: str, is_wide: bool) -> str:
    name = escape(ident, quote=True)
    title = escape(figure.title)
    aria = escape(f"Chart: {figure.title}. The numbers are in the table below it.", quote=True)
    note = f'<p class="note">{escape(figure.note)}</p>' if figure.note else ""
    figures = charts.table(figure)
    wide = " wide" if is_wide else ""
    return f"""<figure class="chart{wide}" id="{name}">
<figcaption><h3>{title}</h3>{note}</figcaption>
<div class="legend" role="group" aria-label="Series"></div>
<p class="unit">{escape(figure.y_title)}</p>
<div class="plot" role="img" aria-label="{aria}"></div>
<script type="application/json" class="spec">{_json(charts.spec(figure))}</script>
<details><summary>Figures</summary>{_table(figures)}{_left_out(figures)}
<button type="button" class="csv">Save as CSV</button></details>
</figure>"""


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _left_out(figures: charts.Table) -> str:
    return f'<p class="note">{figures.left_out:,} rows between these are left out here.</p>' if figures.left_out else ""


def _table(figures: charts.Table | Grid) -> str:
    numeric = [
        all(_numeric(row[i]) for row in figures.rows if i < len(row)) and bool(figures.rows)
        for i in range(len(figures.columns))
    ]

    short = [all(len(row[i]) <= SHORT for row in figures.rows if i < len(row)) for i in range(len(figures.columns))]

    def cell(tag: str, text: str, i: int) -> str:
        known = i < len(figures.columns)
        kind = ' class="n"' if known and numeric[i] else ' class="s"' if known and short[i] else ""
        scope = ' scope="col"' if tag == "th" else ""
        return f"<{tag}{kind}{scope}>{escape(text)}</{tag}>"

    head = "".join(cell("th", column, i) for i, column in enumerate(figures.columns))
    body = "".join(f"<tr>{''.join(cell('td', text, i) for i, text in enumerate(row))}</tr>" for row in figures.rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _numeric(text: str) -> bool:
    """Digits lead, so that columns of amounts with a short unit are aligned to the right as well."""
    bare = text.strip().lstrip("+-−~<>≈±$ ")
    return text.strip() in ("", "–", "-", "—", "∞") or (bare[:1].isdigit() and len(text) <= 24)


def _grid(grid: Grid) -> str:
    note = f'<p class="note">{escape(grid.note)}</p>' if grid.note else ""
    return f'<div class="grid"><h3>{escape(grid.title)}</h3>{note}{_table(grid)}</div>'
