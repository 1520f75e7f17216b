"""Short windows and quiet consoles for the scenario tests."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from everstock.scenarios.prices import Window


@pytest.fixture
def console() -> Console:
    """Prints into memory: `console.file.getvalue()`."""
    return Console(file=StringIO(), width=140)


@pytest.fixture
def friday_to_monday() -> Window:
    return Window(date(2026, 1, 9), date(2026, 1, 12))
