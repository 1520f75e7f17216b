"""Price paths: they touch what the bars say, the seed decides the rest, and bad data is refused by name."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from everstock.scenarios import prices
from everstock.scenarios.prices import Bar, Dynamics, Feed, Stretch, Window, bars_to_paths, bridge, synthetic_paths

HEADER = "date,asset,open,high,low,close"
WEEK = Window(date(2025, 4, 4), date(2025, 4, 8))  # Friday to Tuesday


def csv(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "bars.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def good_rows() -> list[str]:
    rows = []
    for n, day in enumerate(WEEK.days):
        rows.append(f"{day},BTC,{80000 + n},{82000 + n},{76000 + n},{79000 + n}")
        if day.weekday() < 5:
            rows.append(f"{day},TSLA,{240 + n},{252 + n},{230 + n},{236 + n}")
    return rows


def paths_of(path: Path, window: Window | None = WEEK, seed: int = 1) -> prices.Paths:
    return bars_to_paths(path, ("BTC",), ("TSLA",), window, seed)


def test_each_day_opens_closes_and_touches_its_extremes(tmp_path: Path) -> None:
    path = paths_of(csv(tmp_path, *good_rows()))
    for n in range(len(WEEK.days)):
        day = path.prices["BTC"][n * prices.STEPS_PER_DAY : (n + 1) * prices.STEPS_PER_DAY]
        assert (day[0], max(day), min(day), day[-1]) == (80000 + n, 82000 + n, 76000 + n, 79000 + n)


def test_a_stock_moves_in_its_session_only(tmp_path: Path) -> None:
    path = paths_of(csv(tmp_path, *good_rows())).prices["TSLA"]
    friday, saturday = path[: prices.STEPS_PER_DAY], path[prices.STEPS_PER_DAY : 2 * prices.STEPS_PER_DAY]
    opening = (13 * 60 + 30) // 5  # New York keeps daylight saving time in April
    assert (max(friday), min(friday)) == (252, 230)
    assert len(set(friday[: opening + 1])) == 1
    assert friday[opening + 1] != friday[opening]
    assert set(friday[opening + prices.SESSION_STEPS :]) == {Decimal(236)}
    assert set(saturday) == {Decimal(236)}


@pytest.mark.parametrize(
    ("day", "hour"),
    [(date(2025, 3, 7), 14), (date(2025, 3, 10), 13), (date(2025, 10, 31), 13), (date(2025, 11, 3), 14)],
)
def test_new_york_opens_with_daylight_saving(day: date, hour: int) -> None:
    assert prices.new_york_open(day) - prices.midnight(day) == hour * 3600 + 1800


def test_the_seed_decides(tmp_path: Path) -> None:
    file = csv(tmp_path, *good_rows())
    assert paths_of(file, seed=1).prices == paths_of(file, seed=1).prices
    assert paths_of(file, seed=1).prices != paths_of(file, seed=2).prices


def test_a_day_does_not_depend_on_the_window(tmp_path: Path) -> None:
    file = csv(tmp_path, *good_rows())
    later = paths_of(file, Window(WEEK.first + timedelta(1), WEEK.last))
    assert paths_of(file).prices["BTC"][prices.STEPS_PER_DAY :] == later.prices["BTC"]


def test_without_a_window_the_last_days_that_all_cover(tmp_path: Path) -> None:
    path = bars_to_paths(csv(tmp_path, *good_rows()), ("BTC",), ("TSLA",), None, 1, default_days=3)
    assert path.window == Window(date(2025, 4, 6), date(2025, 4, 8))


def test_no_bridge_leaves_its_day_or_jumps_across_it() -> None:
    bar = Bar(date(2025, 1, 1), Decimal(100), Decimal(115), Decimal(85), Decimal(90))
    for seed in range(200):
        path = bridge(bar, prices.STEPS_PER_DAY, Random(seed))
        assert (len(path), min(path), max(path)) == (prices.STEPS_PER_DAY, 85, 115)
        # The jump breaker compares prices ten minutes apart: 10%.
        assert all(abs(b / a - 1) < Decimal("0.1") for a, b in zip(path, path[2:], strict=False))


def test_a_flat_day_stays_flat() -> None:
    bar = Bar(date(2025, 1, 1), *[Decimal(100)] * 4)
    assert set(bridge(bar, 50, Random(1))) == {Decimal(100)}


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (["2025-04-04,BTC,0,2,1,1"], prices.BadPrice, "line 2: open is 0"),
        (["2025-04-04,BTC,1,-2,1,1"], prices.BadPrice, "high is -2"),
        (["2025-04-04,BTC,1,NaN,1,1"], prices.BadPrice, "high is NaN"),
        (["2025-04-04,BTC,5,4,6,5"], prices.BadRange, "high 4 is under low 6"),
        (["2025-04-04,BTC,5,6,4,7"], prices.BadRange, "close 7 is outside 4 to 6"),
        (["2025-04-04,BTC,5,6,4,x"], prices.BadRow, "line 2"),
        (["2025-04-31,BTC,5,6,4,5"], prices.BadRow, "line 2"),
        (["2025-04-04,BTC,5,6"], prices.BadRow, "line 2"),
        (["2025-04-04,BTC,5,6,4,5", "2025-04-04,BTC,5,6,4,5"], prices.DuplicateDay, "line 3"),
        (["2025-04-04,BTC,5,6,4,5"], prices.UnknownAsset, "no rows for TSLA: it has BTC"),
        ([], prices.UnknownAsset, "it has none"),
    ],
)
def test_bad_rows_are_refused(tmp_path: Path, rows: list[str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        paths_of(csv(tmp_path, *rows))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(prices.MissingColumns, match="no column high, low"):
        paths_of(csv(tmp_path, header="date,asset,open,close"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(prices.PriceFileMissing, match=r"none\.csv"):
        paths_of(tmp_path / "none.csv")


@pytest.mark.parametrize("window", ["2024-01-01:2024-01-05", "2025-04-08:2025-04-09"])
def test_a_window_without_prices_is_refused(tmp_path: Path, window: str) -> None:
    with pytest.raises(prices.EmptyWindow, match="BTC has no row for"):
        paths_of(csv(tmp_path, *good_rows()), Window.parse(window))


@pytest.mark.parametrize("text", ["2025-04-01", "2025-04-02:2025-04-01", "a:b", "2025-04-01:2025-04-02:2025-04-03"])
def test_a_bad_window_is_refused(text: str) -> None:
    with pytest.raises(prices.BadWindow):
        Window.parse(text)


def test_the_model_follows_its_plot_and_its_seed() -> None:
    window = Window(date(2026, 1, 5), date(2026, 1, 9))
    rally = Dynamics(Decimal(100), 0.01, plot=(Stretch(0.2, 0.8, 0.5),))
    stock = Dynamics(Decimal(100), 0.5, trading_hours_only=True)
    path = synthetic_paths({"A": rally, "S": stock}, window, 7)
    assert path.prices == synthetic_paths({"A": rally, "S": stock}, window, 7).prices
    assert path.prices["A"][path.steps // 10] == pytest.approx(Decimal(100), rel=Decimal("0.01"))
    assert path.prices["A"][-1] == pytest.approx(Decimal("164.87"), rel=Decimal("0.01"))
    assert len(set(path.prices["S"][: 14 * 12])) == 1  # Monday before the opening


def test_a_feed_prints_on_moves_and_at_its_heartbeat() -> None:
    feed = Feed(Decimal("0.005"), 3600, Decimal(100), printed_at=0)
    assert not feed.observe(300, Decimal("100.49"))
    assert feed.observe(600, Decimal("100.5"))
    assert not feed.observe(900, Decimal("100.4"))
    assert feed.observe(4200, Decimal("100.4"))
    assert (feed.round, feed.price, feed.printed_at) == (3, Decimal("100.4"), 4200)
