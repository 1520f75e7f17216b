"""Fixtures of the stock layer: a desk with liquidity and an issuer with every role."""

from __future__ import annotations

import pytest

from support.desk import Desk
from support.issuer import Issuer


@pytest.fixture
def issuer(desk: Desk) -> Issuer:
    """TSLA.M's issuer: pools and margin accounts are funded, an issuance desk for dollars is open."""
    return Issuer.of(desk)
