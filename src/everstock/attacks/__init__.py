"""The attacks that earlier drafts of the mechanism fell to, played against the contracts: `ape run attacks`.

Each runs on a local chain, from a fresh deployment, and says what the attacker gains. It must lose, be refused, or stay
within a bound that is said.
"""

from collections.abc import Iterator

from everstock.attacks import funding, liquidity, trading
from everstock.attacks.result import ATTACKS, Attack, Line, Verdict
from everstock.attacks.stage import Stage
from everstock.chain.base import Chain

__all__ = ["ATTACKS", "Attack", "Line", "Stage", "Verdict", "funding", "liquidity", "play", "trading"]


def play(stage: Stage, attack: Attack) -> Iterator[Line]:
    """One attack; the stage is as before afterwards."""
    with stage.chain.anchor():
        yield from attack.play(stage)


def play_all(chain: Chain) -> Iterator[tuple[Attack, list[Line]]]:
    """Every attack in order of number, each on the same fresh deployment."""
    stage = Stage(chain)
    for number in sorted(ATTACKS):
        yield ATTACKS[number], list(play(stage, ATTACKS[number]))
