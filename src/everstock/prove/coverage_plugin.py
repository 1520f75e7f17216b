"""Pytest plugin for a tree with markers: lifts the limit on code size, and writes down which markers were met.

`-p everstock.prove.coverage_plugin`, with EVERSTOCK_HITS naming a folder. Chains in this process only: what a test does
on Anvil is not counted.
"""

from __future__ import annotations

import json
import os
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyrevm import CfgEnv

from everstock.chain import evm
from everstock.prove.instrument import BASE

HITS: set[int] = set()
ALIVE: weakref.WeakSet[evm.EvmChain] = weakref.WeakSet()
_LIMIT = 1 << 20


def collect(machine: Any) -> None:
    """The markers among the accounts that an EVM has loaded: its cache forgets none, whatever is reverted."""
    for address in machine.db_accounts:
        index = int(str(address), 16) - BASE
        if 0 <= index < 1 << 20:
            HITS.add(index)


def pytest_configure(config: pytest.Config) -> None:
    evm.CfgEnv = partial(CfgEnv, limit_contract_code_size=_LIMIT)  # type: ignore[assignment,attr-defined]
    begin = evm.EvmChain.__init__

    def init(self: evm.EvmChain, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        ALIVE.add(self)
        weakref.finalize(self, collect, self._evm)  # every EVM is read when its chain is gone, or at the end

    evm.EvmChain.__init__ = init  # type: ignore[method-assign]


def pytest_sessionfinish(session: pytest.Session) -> None:
    for chain in list(ALIVE):
        collect(chain._evm)
    folder = Path(os.environ["EVERSTOCK_HITS"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{os.getpid()}.json").write_text(json.dumps(sorted(HITS)))
