"""Pytest plugin for a tree of mutants: lifts the limit on code size, and turns on the one EVERSTOCK_MUTANT names."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import pytest
from pyrevm import CfgEnv

from everstock.chain import evm

BASE = 0xBADC0DE << 128
"""Mutant n is on where the account `BASE + n` holds a wei."""

_LIMIT = 1 << 20


def pytest_configure(config: pytest.Config) -> None:
    evm.CfgEnv = partial(CfgEnv, limit_contract_code_size=_LIMIT)  # type: ignore[assignment,attr-defined]
    number = os.environ.get("EVERSTOCK_MUTANT")
    if not number:
        return
    begin = evm.EvmChain.__init__

    def init(self: evm.EvmChain, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._evm.set_balance(f"0x{BASE + int(number):040x}", 1)

    evm.EvmChain.__init__ = init  # type: ignore[method-assign]
