"""`make node`: it gets to its last line, and others use what it recorded."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from everstock.artifacts import find_root
from everstock.chain.rpc import RpcChain
from everstock.client import Side
from everstock.deploy.audit import audit
from everstock.deploy.record import Store
from everstock.deploy.release import connect

PATIENCE = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_gets_ready_and_another_process_trades_on_it(tmp_path: Path) -> None:
    port = free_port()
    command = ["make", "node", "-o", "setup", f"PORT={port}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    env |= {"EVERSTOCK_DEPLOYMENTS": str(tmp_path), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=find_root(), env=env, text=True, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
    ) as node:

        def tell(what: signal.Signals) -> None:
            """Make and what it runs, as a terminal does."""
            with suppress(ProcessLookupError):
                os.killpg(node.pid, what)

        watchdog = threading.Timer(PATIENCE, tell, [signal.SIGKILL])
        watchdog.start()
        try:
            assert node.stdout is not None
            said = []
            for line in node.stdout:
                said.append(line)
                if "until you press Ctrl-C" in line:
                    break
            ready = re.search(r"Deployed and seeded in (\d+) s", "".join(said))
            assert ready is not None, "".join(said)
            assert int(ready[1]) < PATIENCE
            trade(f"http://127.0.0.1:{port}", tmp_path)
            tell(signal.SIGINT)
            assert "Stopped." in node.stdout.read()
        finally:
            watchdog.cancel()
            tell(signal.SIGKILL)


def trade(uri: str, deployments: Path) -> None:
    """This process knows the node by its address and its record alone."""
    chain, record = RpcChain(uri), Store(deployments).load("local")
    assert not [finding for finding in audit(chain, record) if finding.fault]
    system = connect(chain, record)
    token, market = system.token("TSLA.M"), system.market("BTC-7D")
    assert token.main.cash > 0  # seeded
    assert token.trader(chain.account("trader")).positions
    visitor = chain.account("a visitor")
    token.mint(visitor, 20)
    account = token.trader(visitor)
    account.deposit(20)
    strike = market.nearest_strike(market.price_usd)
    account.open(market, strike, Side.CALL, 50)
    account.close(market, strike, Side.CALL)
    account.withdraw()
    assert 19 < token.balance(visitor) < 20
