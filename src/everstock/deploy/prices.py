"""Calendars, and what the oracle asks besides an asset's feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everstock.params import Guards

if TYPE_CHECKING:
    from everstock.client.system import System
    from everstock.deploy.builder import Builder

WAD = 10**18
ZERO_ADDRESS = "0x" + "00" * 20


def deploy_calendars(builder: Builder, system: System) -> None:
    """The calendars of the parameters, with the special days that stand there."""
    for name, spec in builder.params.calendars.items():
        calendar = builder.deploy(
            "MarketCalendar", builder.authority.address, spec.closed_weight_wad, [list(day) for day in spec.history]
        )
        builder.wire_roles(calendar, "MarketCalendar")
        system.calendars[name] = calendar


def guard_asset(builder: Builder, system: System, asset_id: bytes, guards: Guards) -> None:
    """Set an asset's guards, if it has any."""
    if guards == Guards():
        return
    check = (ZERO_ADDRESS, 0, 0)
    if guards.check_aggregator is not None:
        feed = builder.deploy("ChainlinkFeed", guards.check_aggregator)
        check = (feed.address, guards.check_max_age_seconds, int(guards.check_deviation * WAD))
    sequencer = (ZERO_ADDRESS, 0)
    if guards.sequencer is not None:
        sequencer = (guards.sequencer, guards.sequencer_grace_seconds)
    words = (*check, *sequencer, guards.max_jump_wad or 0)
    system.oracle.setGuards(asset_id, words, sender=builder.sender)
