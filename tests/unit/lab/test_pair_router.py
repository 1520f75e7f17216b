"""The router on Uniswap's own pair, and the formula that the lab computes with."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from everstock.chain.contract import Contract
from everstock.chain.evm import EvmChain
from everstock.chain.testing import reverts
from everstock.client import System
from everstock.lab.venues.pair import amount_out, reserves_for_print
from everstock.lab.venues.town import uniswap


@dataclass
class Ring:
    chain: EvmChain
    router: Contract
    pair: Contract
    tokens: tuple[Contract, Contract]
    who: str

    @property
    def reserves(self) -> tuple[int, int]:
        return tuple(map(int, self.pair.getReserves()[:2]))  # type: ignore[return-value]

    def swap(self, first: bool, amount: int, minimum: int = 0, deadline: int | None = None) -> int:
        given, taken = self.tokens if first else self.tokens[::-1]
        before = taken.balanceOf(self.who)
        end = self.chain.now if deadline is None else deadline
        self.router.swap(self.pair, given, amount, minimum, self.who, end, sender=self.who)
        return int(taken.balanceOf(self.who) - before)


@pytest.fixture
def ring(system: System) -> Ring:
    chain, who = system.chain, system.chain.account("swapper")
    factory = chain.deploy(uniswap("UniswapV2Factory"), who, sender=who)
    made = [chain.deploy(system.artifacts["MockDollar"], decimals, sender=who) for decimals in (18, 6)]
    factory.createPair(*made, sender=who)
    pair = chain.contract(uniswap("UniswapV2Pair"), factory.getPair(*made))
    tokens = tuple(sorted(made, key=lambda token: int(token.address, 16)))
    router = chain.deploy(system.artifacts["PairRouter"], sender=who)
    for token in tokens:
        token.mint(who, 10**30, sender=who)
        token.approve(router, 2**256 - 1, sender=who)
    pair.approve(router, 2**256 - 1, sender=who)
    return Ring(chain, router, pair, tokens, who)


@pytest.fixture
def seeded(ring: Ring) -> Ring:
    ring.router.provide(ring.pair, 4_000 * 10**18, 10**12, 0, ring.who, sender=ring.who)
    return ring


def test_a_swap_brings_what_the_formula_says_and_the_pair_gives_no_unit_more(seeded):
    random = Random(1)
    for _ in range(25):
        first, amount = random.random() < 0.5, random.randrange(10**8, 10 ** random.randrange(9, 22))
        held_in, held_out = seeded.reserves if first else seeded.reserves[::-1]
        expected = amount_out(amount, held_in, held_out)
        assert seeded.router.quote(seeded.pair, seeded.tokens[0 if first else 1], amount) == expected
        if expected == 0:
            continue
        greedy = (0, expected + 1) if first else (expected + 1, 0)
        with seeded.chain.anchor():
            seeded.tokens[0 if first else 1].transfer(seeded.pair, amount, sender=seeded.who)
            with pytest.raises(Exception, match="UniswapV2"):
                seeded.pair.swap(*greedy, seeded.who, b"", sender=seeded.who)
        assert seeded.swap(first, amount) == expected


def test_the_print_of_july_follows_from_the_reserves(ring):
    tokens, usd = reserves_for_print(223.41, 23_781, 500)
    assert (usd, tokens) == pytest.approx((53.58, 0.23983), rel=1e-3)
    amounts = {18: int(tokens * 10**18), 6: int(usd * 10**6)}
    kinds = [int(token.decimals()) for token in ring.tokens]
    ring.router.provide(ring.pair, amounts[kinds[0]], amounts[kinds[1]], 0, ring.who, sender=ring.who)
    ring.swap(kinds[0] == 6, 500 * 10**6)
    held = dict(zip(kinds, ring.reserves, strict=True))
    assert held[6] / 10**6 / (held[18] / 10**18) == pytest.approx(23_781, rel=1e-5)


def test_a_swap_below_the_limit_is_refused(seeded):
    out = seeded.router.quote(seeded.pair, seeded.tokens[0], 10**18)
    with reverts("PairRouter_Slippage", out, out + 1):
        seeded.swap(True, 10**18, out + 1)


def test_a_swap_after_its_deadline_is_refused(seeded):
    with reverts("PairRouter_Expired", seeded.chain.now - 1, seeded.chain.now):
        seeded.swap(True, 10**18, deadline=seeded.chain.now - 1)


def test_a_token_of_another_pair_is_refused(seeded):
    other = seeded.router.address
    with reverts("PairRouter_NotInPair", other):
        seeded.router.quote(seeded.pair, other, 1)


def test_liquidity_goes_in_at_the_ratio_and_comes_out(seeded):
    held = seeded.reserves
    before = [token.balanceOf(seeded.who) for token in seeded.tokens]
    seeded.router.provide(seeded.pair, held[0] // 10, held[1], 0, seeded.who, sender=seeded.who)
    seeded.router.provide(seeded.pair, held[0], held[1] // 10, 0, seeded.who, sender=seeded.who)
    spent = [b - token.balanceOf(seeded.who) for b, token in zip(before, seeded.tokens, strict=True)]
    assert spent == pytest.approx([held[0] // 5, held[1] // 5], rel=1e-9)
    shares = seeded.pair.balanceOf(seeded.who)
    seeded.router.remove(seeded.pair, shares, 0, 0, seeded.who, sender=seeded.who)
    left = seeded.reserves
    assert all(each <= whole // 10**9 for each, whole in zip(left, held, strict=True))


def test_liquidity_below_its_limits_is_refused(seeded):
    held = seeded.reserves
    shares = seeded.pair.totalSupply() * 10**17 // 10**18
    with seeded.chain.anchor():
        made = seeded.router.provide.call(seeded.pair, held[0] // 10, held[1], 0, seeded.who, sender=seeded.who)
    assert made == pytest.approx(shares, rel=1e-6)
    with reverts("PairRouter_Slippage", made, made + 1):
        seeded.router.provide(seeded.pair, held[0] // 10, held[1], made + 1, seeded.who, sender=seeded.who)
    amounts = seeded.router.remove.call(seeded.pair, 10**9, 0, 0, seeded.who, sender=seeded.who)
    for index in range(2):
        least = [0, 0]
        least[index] = amounts[index] + 1
        with reverts("PairRouter_Slippage", amounts[index], amounts[index] + 1):
            seeded.router.remove(seeded.pair, 10**9, *least, seeded.who, sender=seeded.who)
