"""A vault with two modules, a sealed pool and a token that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from everstock import artifacts
from everstock.chain.evm import EvmChain

ONE = 10**18
LARGEST = 2**184 - 1


@pytest.fixture(scope="module")
def deployed() -> SimpleNamespace:
    built = artifacts.load()
    chain = EvmChain()
    governor, owner, payer, payee, stranger = map(chain.account, ("governor", "owner", "payer", "payee", "stranger"))
    authority = chain.deploy(built["Authority"], governor, sender=governor)
    vault = chain.deploy(built["CollateralVault"], authority, sender=governor)
    token = chain.deploy(built["HostileToken"], 18, sender=governor)
    options = chain.deploy(built["TestModule"], vault, sender=governor)
    lending = chain.deploy(built["TestModule"], vault, sender=governor)
    pool = chain.deploy(built["TestSealedOwner"], vault, token, sender=governor)
    for module in (options, lending):
        vault.setModule(module, True, sender=governor)
    options.seal(token, pool, sender=governor)
    for who in (owner, payer):
        token.mint(who, 1_000 * ONE, sender=governor)
        token.approve(vault, 2**256 - 1, sender=who)
        token.approve(pool, 2**256 - 1, sender=who)
    return SimpleNamespace(
        chain=chain,
        built=built,
        governor=governor,
        owner=owner,
        payer=payer,
        payee=payee,
        stranger=stranger,
        authority=authority,
        vault=vault,
        token=token,
        options=options,
        lending=lending,
        pool=pool,
    )


@pytest.fixture
def it(deployed: SimpleNamespace) -> Iterator[SimpleNamespace]:
    with deployed.chain.anchor():
        yield deployed
