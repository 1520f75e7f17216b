"""The wheel in an environment of its own, away from any checkout: contracts, parameters, client, records.

The environment sees the third-party packages of this one, so that the test needs no network; `everstock` it has from
the wheel alone. CI installs the wheel with its dependencies from the index, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account

from everstock.artifacts import find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.accounts import key
from everstock.chain.anvil import AnvilNode
from everstock.deploy.record import Store
from everstock.node import deploy, seed

DEPENDENCIES = sysconfig.get_paths()["purelib"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheel` builds."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    subprocess.run([*command, "--wheel-dir", folder, find_root()], check=True, timeout=120)
    (found,) = folder.glob("everstock-*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh virtual environment with the wheel installed."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    interpreter = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, wheel], check=True, timeout=120)
    (packages,) = (folder / "lib").glob("python3*/site-packages")
    # A line of a .pth file adds a folder, and not what the .pth files there add: the checkout stays out of sight.
    (packages / "dependencies.pth").write_text(DEPENDENCIES + "\n")
    return interpreter


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A node with the local system on it, and a folder below which its record is."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with AnvilNode() as node:
        system, _ = deploy(node.chain(signer=Account.from_key(key("deployer"))), Store(folder / "deployments"))
        seed(system)
        yield node.uri, folder


def run(python: Path, folder: Path, code: str, *arguments: str) -> str:
    """As a stranger would: another folder, nothing of this process's environment."""
    done = subprocess.run(
        [python, "-c", code, *arguments],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_carries_the_compiled_contracts_and_the_parameters(wheel):
    with zipfile.ZipFile(wheel) as package:
        names = set(package.namelist())
        shipped = json.loads(package.read("everstock/shipped/contracts.json"))["contractTypes"]
    assert {f"everstock/shipped/params/{path.name}" for path in (find_root() / "params").glob("*.yaml")} <= names
    assert {"PerpetualOptions", "MainPool", "StockToken", "IPerpetualOptions", "MockDollar"} <= shipped.keys()
    assert not [name for name in shipped if name.startswith(("Hostile", "MathHarness"))]
    built = load_artifacts()
    for name, raw in shipped.items():
        assert (raw.get("deploymentBytecode") or {}).get("bytecode", "0x") == "0x" + built[name].bytecode.hex(), name


WHERE = """
import everstock, sys
from pathlib import Path
from everstock.artifacts import load
from everstock.home import commit, is_installed
assert is_installed() and Path(everstock.__file__).is_relative_to(sys.prefix), everstock.__file__
assert "settle" in {entry.get("name") for entry in load()["PerpetualOptions"].abi}
print(everstock.__version__, commit()[:4] != "unkn")
"""


def test_it_is_found_away_from_a_checkout(python, tmp_path):
    from everstock import __version__

    assert run(python, tmp_path, WHERE) == f"{__version__} True\n"


DEPLOY_AND_TRADE = """
from everstock.chain.evm import EvmChain
from everstock.client import Side
from everstock.deploy import deploy_system
from everstock.params import load
chain = EvmChain()
system = deploy_system(chain, load("local"))
token, market = system.token("TSLA.M"), system.market("BTC-7D")
lp, trader = chain.account("lp"), chain.account("trader")
token.mint(lp, 15_000)
token.main.deposit(lp, 10_000)
token.insurance.deposit(lp, 5_000)
token.mint(trader, 50)
account = token.trader(trader)
account.deposit(50)
strike = market.nearest_strike(60_000)
print(token.amount(account.open(market, strike, Side.PUT, 100).event("Open")["premium"]))
"""


def test_it_deploys_and_trades_in_process(python, tmp_path):
    assert 3 < float(run(python, tmp_path, DEPLOY_AND_TRADE)) < 4


CONNECT_AND_TRADE = """
import sys
from everstock.chain.rpc import RpcChain
from everstock.client import Side
from everstock.deploy.record import Store
from everstock.deploy.release import connect
chain = RpcChain(sys.argv[1])
system = connect(chain, Store().load("local"))
token, market = system.token("TSLA.M"), system.market("BTC-7D")
visitor = chain.account("visitor")
token.mint(visitor, 20)
account = token.trader(visitor)
account.deposit(20)
strike = market.nearest_strike(market.price_usd)
account.open(market, strike, Side.CALL, 50)
account.close(market, strike, Side.CALL)
account.withdraw()
print(token.balance(visitor))
"""


def test_it_opens_a_recorded_deployment_and_trades(python, recorded):
    uri, folder = recorded
    assert 19 < float(run(python, folder, CONNECT_AND_TRADE, uri)) < 20


def test_a_checkout_around_it_changes_nothing(python, tmp_path):
    """An ape project of the user's own is none of ours."""
    (tmp_path / "ape-config.yaml").write_text("name: theirs\n")
    assert run(python, tmp_path, WHERE)


def test_a_network_without_parameters_is_named(python, tmp_path):
    code = "from everstock.params import load, UnknownNetwork\ntry: load('mars')\nexcept UnknownNetwork as e: print(e)"
    told = run(python, tmp_path, code)
    assert "no parameters for 'mars'" in told
    assert "testnet" in told
