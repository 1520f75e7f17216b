"""Plays experiments, each on an Anvil of its own, two at a time, and writes the report."""

from __future__ import annotations

import json
import math
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import Any

from everstock.chain.anvil import anvil_chain
from everstock.lab import html
from everstock.lab.experiment import Experiment, Progress, Setting
from everstock.lab.page import Check, Page

REPORT = Path("build/report")
PROCESSES = 2
LOOK_SECONDS = 0.2

_queue: Any = None  # of a process of the pool


@dataclass(frozen=True)
class Played:
    """A page, and how long it took. The time stands on the terminal only: it would differ from run to run."""

    page: Page
    seconds: float
    error: str = ""


def play(experiment: Experiment, setting: Setting, progress: Progress = lambda done: None) -> Played:
    """On a fresh chain. An experiment that breaks is a page as well, with a check that did not hold."""
    began = time.monotonic()
    error = ""
    try:
        with anvil_chain() as chain:
            page = experiment.play(chain, setting, progress)
    except Exception as problem:
        error = traceback.format_exc()
        page = broken(experiment, setting, problem)
    return Played(page, time.monotonic() - began, error)


def broken(experiment: Experiment, setting: Setting, problem: Exception) -> Page:
    what = f"{type(problem).__name__}: {problem}".strip().splitlines()[0][:300]
    return Page(
        slug=experiment.name,
        title=experiment.title,
        question=experiment.description,
        finding="This experiment broke before it found anything.",
        command=setting.command(experiment.name),
        checks=[Check("The experiment runs to its end", False, what)],
    )


def play_all(
    experiments: Sequence[Experiment],
    setting: Setting,
    told: Callable[[str, float], None] = lambda name, done: None,
    processes: int = PROCESSES,
) -> list[Played]:
    """All of them, in their order. `told` hears of each how much of it is done."""
    context = get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(processes, context, _begin, (queue,)) as pool:
        running: dict[Future[Played], str] = {
            pool.submit(_play_named, experiment, setting): experiment.name for experiment in experiments
        }
        pending = set(running)
        try:
            while pending:
                done, pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
                _drain(queue, told)
                for future in done:
                    told(running[future], 1.0)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in running]


def _begin(queue: Any) -> None:
    global _queue
    _queue = queue


def _play_named(experiment: Experiment, setting: Setting) -> Played:
    return play(experiment, setting, lambda done: _queue.put((experiment.name, done)))


def _drain(queue: Any, told: Callable[[str, float], None]) -> None:
    while True:
        try:
            told(*queue.get_nowait())
        except Empty:
            return


# ── what is written ───────────────────────────────────────────────────────────────────────────────────────────────────
def write(pages: Sequence[Page], setting: Setting, folder: Path = REPORT) -> Path:
    """`index.html` for people, `report.json` for programs. The same pages and setting give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "index.html"
    target.write_text(html.render(pages, about(setting)), encoding="utf-8")
    (folder / "report.json").write_text(to_json(pages, setting), encoding="utf-8")
    return target


def about(setting: Setting) -> str:
    prices = f"replayed from {setting.prices.name}" if setting.prices else "from a seeded model"
    window = f", {setting.window}" if setting.window else ""
    quick = " A quick run: fewer agents, days and paths." if setting.quick else ""
    return f"Seed {setting.seed}; prices {prices}{window}.{quick}"


def to_json(pages: Sequence[Page], setting: Setting) -> str:
    data = {
        "seed": setting.seed,
        "prices": setting.prices.name if setting.prices else None,
        "window": str(setting.window) if setting.window else None,
        "quick": setting.quick,
        "holds": all(page.holds for page in pages),
        "pages": [asdict(page) | {"holds": page.holds} for page in pages],
    }
    return json.dumps(_plain(data), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """What JSON knows: numbers of numpy become Python's, and what is no number becomes null."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        items = value.tolist() if hasattr(value, "tolist") else value
        return [_plain(each) for each in items] if isinstance(items, list | tuple) else _plain(items)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
