"""The keeper as a silverback bot: `silverback run keeper:bot --network … --account …`, in the project's folder.

Silverback's broker restarts it, moves it between machines and watches it; each block is one pass. Install silverback
beside this project; nothing else here needs it. Settings come from the environment: EVERSTOCK_DEPLOYMENT names the
record (default: the connected chain's), EVERSTOCK_ENDPOINTS are further nodes, separated by commas,
EVERSTOCK_KEEPER_CONFIG is a file of settings.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any

from ape import chain
from silverback import SilverbackBot

from everstock.chain.ape import chain_id_of
from everstock.chain.errors import ChainError
from everstock.chain.signer import signer_for
from everstock.deploy.record import Store
from everstock.keeper import Keeper, Runner
from everstock.keeper.config import KeeperConfig
from everstock.keeper.live import live_keeper, set_up_logging
from everstock.params import named_for

bot = SilverbackBot()
runner: Runner | None = None
one_pass = Lock()


def born() -> Keeper:
    """A keeper of the recorded deployment, on the node that silverback is connected to and on the others."""
    provider = chain.provider
    record = Store().load(os.environ.get("EVERSTOCK_DEPLOYMENT") or named_for(chain_id_of(provider)))
    others = [uri for uri in os.environ.get("EVERSTOCK_ENDPOINTS", "").split(",") if uri]
    signer = None if bot.signer is None else signer_for(bot.signer, provider)
    uri = getattr(provider, "http_uri", None) or provider.uri
    path = os.environ.get("EVERSTOCK_KEEPER_CONFIG")
    config = KeeperConfig.read(Path(path)) if path else None
    return live_keeper([uri, *others], record, signer, config=config, dry_run=signer is None)


@bot.on_worker_startup()
def start(_state: Any) -> None:
    """One keeper a worker."""
    global runner
    set_up_logging(json_lines=True)
    runner = Runner(born())


@bot.on_(chain.blocks)
def look(_block: Any) -> dict[str, int]:
    """One pass; what it did becomes silverback's metrics.

    Blocks that arrive during a pass are left: a keeper does one thing at a time, and the next block comes soon. A node
    that fails is counted and waited out, since silverback ends a bot that fails three times.
    """
    assert runner is not None
    done: dict[str, int] = {}
    if not one_pass.acquire(blocking=False):
        return done
    try:
        for action in runner.once():
            done[action.kind.value] = done.get(action.kind.value, 0) + 1
    except ChainError as error:
        runner.failed(error)
        done["failed"] = 1
    finally:
        one_pass.release()
    return done
