"""A Mirror-style incentive pool: a real pair, its shares staked for a reward token that has a small pool of its own."""

from __future__ import annotations

from everstock.chain.contract import Contract
from everstock.lab.venues.pair import Amm
from everstock.lab.venues.town import DAY, Town

YEAR = 365 * DAY


class IncentivePool:
    """Rewards are worth what the reward token's own pool pays for them: nothing else gives them a price."""

    def __init__(
        self, town: Town, *, rewards_per_day: float, epoch_days: int, epochs: int, token_usd: float, market_usd: float
    ) -> None:
        """The reward token's pool begins with `market_usd` on each side, at `token_usd`."""
        self.town = town
        self.amm = Amm(town, "incentive pool", town.token.contract, town.token.decimals, suffix="incentive")
        self.sponsor = town.account("sponsor")
        rate = int(rewards_per_day * 10**18) // DAY
        supply = 2 * rate * DAY * epoch_days * epochs + int(market_usd / token_usd) * 10**18
        deploy, artifacts = town.chain.deploy, town.system.artifacts
        self.reward: Contract = deploy(artifacts["RewardToken"], self.sponsor, supply, sender=self.sponsor)
        self.staking: Contract = deploy(
            artifacts["StakingRewards"],
            *(self.amm.pair, self.reward, self.sponsor, rate, epoch_days * DAY, epochs),
            sender=self.sponsor,
        )
        self.reward_market = Amm(town, "reward token", self.reward)
        town.pay(self.sponsor, market_usd)
        self.reward_market.provide(self.sponsor, market_usd / token_usd, market_usd)

    def begin(self) -> None:
        """The sponsor pays in all rewards."""
        self.town.allow(self.sponsor, self.staking, self.reward)
        self.staking.begin(sender=self.sponsor)

    def join(self, who: str, usd: float) -> int:
        """Provide half in tokens, half in dollars, and stake. The LP brings both."""
        share = self.amm.spot if self.amm.total_shares else self.town.share
        self.town.give(who, usd / 2 / share)
        self.town.pay(who, usd / 2)
        shares = self.amm.provide(who, usd / 2 / share, usd / 2)
        self.town.allow(who, self.staking, self.amm.pair)
        self.staking.stake(shares, sender=who, gas=400_000)
        return shares

    def leave(self, who: str) -> None:
        """Unstake, take the liquidity out, and sell what was earned."""
        self.harvest(who)
        shares = int(self.staking.stakeOf(who))
        self.staking.unstake(shares, sender=who, gas=400_000)
        self.amm.remove(who, shares)

    def harvest(self, who: str) -> float:
        """Claim, and sell at once; the USD received."""
        self.staking.claim(sender=who, gas=400_000)
        held = int(self.reward.balanceOf(who))
        if held == 0 or self.reward_market.out(held, buy=False) == 0:
            return 0.0
        before = int(self.town.cash.balanceOf(who))
        self.reward_market.swap(who, held, buy=False)
        return self.town.usd(int(self.town.cash.balanceOf(who)) - before)

    def reward_apr(self, at: int) -> float:
        """What staking pays a year at today's rate and the reward token's price now, as a share of what is staked."""
        staked = int(self.staking.totalStaked())
        if staked == 0:
            return 0.0
        per_year = int(self.staking.rateAt(at)) * YEAR / 10**18
        return per_year * self.reward_market.spot / self.amm.worth(staked)
