"""Third parties beside which Everstock is deployed on a forked chain.

Offline they come from their own packages, deployed on an Anvil that stands for Base. With `BASE_RPC_URL` they are those
of Base itself, at block `BASE_FORK_BLOCK`. Tests see no difference.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from everstock.artifacts import Artifact, find_root
from everstock.artifacts import load as load_artifacts
from everstock.chain.anvil import AnvilNode
from everstock.chain.contract import Contract
from everstock.chain.rpc import RpcChain
from everstock.params import fields_of

BASE = 8453
FORK_BLOCK = 36_000_000
START = 1_767_623_400
PRICES = {"BTC": 60_000, "ETH": 2_500}
PYTH_BITCOIN = bytes.fromhex("e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43")
USDC_SUPPLY = 50_000_000 * 10**6
DOLLAR_DECIMALS = 6


@dataclass(frozen=True)
class Neighbours:
    """Addresses on the chain that is forked."""

    uri: str
    block: int
    feeds: dict[str, str]
    """Chainlink's proxies, by asset."""
    usdc: str
    whale: str
    v2_factory: str
    v3_factory: str
    morpho: str
    irm: str
    pyth: str
    pyth_bitcoin: bytes
    """Pyth's id of BTC/USD."""


@cache
def vendors() -> dict[str, Artifact]:
    """What `toolchain/vendors.py` compiles, and what ships compiled."""
    root = find_root()
    subprocess.run([sys.executable, root / "toolchain" / "vendors.py"], check=True, stdout=subprocess.DEVNULL)
    built = json.loads((root / ".build" / "vendors.json").read_text())
    found = {name: Artifact(name, raw["abi"], bytes.fromhex(raw["bytecode"][2:])) for name, raw in built.items()}
    return found | uniswap()


@cache
def uniswap() -> dict[str, Artifact]:
    """As its packages ship it, compiled."""
    found = {}
    modules = find_root() / "node_modules" / "@uniswap"
    for name, path in {
        "UniswapV2Factory": "v2-core/build/UniswapV2Factory.json",
        "UniswapV2Pair": "v2-core/build/UniswapV2Pair.json",
        "UniswapV2Router02": "v2-periphery/build/UniswapV2Router02.json",
        "UniswapV3Factory": "v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json",
        "UniswapV3Pool": "v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json",
    }.items():
        found[name] = Artifact.from_json(modules / path, name)
    return found


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Base, or what stands for it."""
    uri = os.environ.get("BASE_RPC_URL")
    if uri:
        yield on_base(uri)
        return
    with AnvilNode(chain_id=BASE, start=START) as upstream:
        yield upstream_of(upstream.chain())


def on_base(uri: str) -> Neighbours:
    """The addresses that the projects publish for Base; the whale is Aave's pool of USDC."""
    return Neighbours(
        uri=uri,
        block=int(os.environ.get("BASE_FORK_BLOCK", FORK_BLOCK)),
        feeds={name: asset["aggregator"] for name, asset in fields_of("mainnet")["assets"].items()},
        usdc="0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        whale="0x4e65fE4DbA92790696d040ac24Aa414708F5c0AB",
        v2_factory="0x8909Dc15e40173Ff4699343b6eB8132c65e18eC6",
        v3_factory="0x33128a8fC17869897dcE68Ed026d694621f6FDfD",
        morpho="0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb",
        irm="0x46415998764C29aB2a25CbeA6254146D50D22687",
        pyth="0x8250f4aF4B972684F7b336503E2D6dFeDeB1487a",
        pyth_bitcoin=PYTH_BITCOIN,
    )


def upstream_of(chain: RpcChain) -> Neighbours:
    """Deploy all of them, each from its own package."""
    owner, own = chain.account("vendors"), load_artifacts()
    usdc = chain.deploy(own["BlacklistDollar"], owner, sender=owner)
    whale = chain.account("whale")
    usdc.mint(whale, USDC_SUPPLY, sender=owner)
    feeds = {name: proxy_of(chain, name, price) for name, price in PRICES.items()}
    morpho = chain.deploy(vendors()["Morpho"], owner, sender=owner)
    irm = chain.deploy(vendors()["IrmMock"], sender=owner)
    morpho.enableIrm(irm, sender=owner)
    morpho.enableLltv(86 * 10**16, sender=owner)
    v2_factory = chain.deploy(vendors()["UniswapV2Factory"], owner, sender=owner)
    v3_factory = chain.deploy(vendors()["UniswapV3Factory"], sender=owner)
    return Neighbours(
        uri=chain.uri,
        feeds=feeds,
        usdc=usdc.address,
        whale=whale,
        v2_factory=v2_factory.address,
        v3_factory=v3_factory.address,
        morpho=morpho.address,
        irm=irm.address,
        pyth=pyth_of(chain),
        block=chain.block_number,
        pyth_bitcoin=PYTH_BITCOIN,
    )


def pyth_of(chain: RpcChain) -> str:
    """Pyth, from its SDK's own double: it verifies no signatures, and has printed bitcoin's price."""
    owner = chain.account("vendors")
    pyth = chain.deploy(load_artifacts()["MockPythNetwork"], 0, sender=owner)
    price, confidence = PRICES["BTC"] * 10**8, 20 * 10**8
    print_ = pyth.createPriceFeedUpdateData(PYTH_BITCOIN, price, confidence, -8, price, confidence, chain.now, 0)
    pyth.updatePriceFeeds([print_], sender=owner)
    return pyth.address


def proxy_of(chain: RpcChain, name: str, price: int) -> str:
    """A Chainlink proxy with an aggregator of its own behind it, which has printed `price`."""
    aggregator = Aggregator.deploy(chain, f"{name} / USD")
    aggregator.submit(price * 10**8)
    nobody, owner = "0x" + "00" * 20, chain.account("vendors")
    return chain.deploy(vendors()["EACAggregatorProxy"], aggregator.contract, nobody, sender=owner).address


@dataclass
class Aggregator:
    """Chainlink's FluxAggregator with one oracle, who is paid nothing."""

    contract: Contract
    oracle: str
    round: int = 0

    @classmethod
    def deploy(cls, chain: RpcChain, description: str, decimals: int = 8) -> Aggregator:
        owner, nobody = chain.account("vendors"), "0x" + "00" * 20
        link = chain.deploy(load_artifacts()["MockDollar"], 18, sender=owner)
        arguments = (link, 0, 60, nobody, 1, 10**20, decimals, description)
        contract = chain.deploy(vendors()["FluxAggregator"], *arguments, sender=owner)
        oracle = chain.account("oracle")
        contract.changeOracles([], [oracle], [owner], 1, 1, 0, sender=owner)
        return cls(contract, oracle)

    def submit(self, answer: int) -> None:
        self.round += 1
        self.contract.submit(self.round, answer, sender=self.oracle)


class Feed:
    """A Chainlink proxy whose prints a test decides: its owner, impersonated, confirms an aggregator of ours."""

    def __init__(self, chain: RpcChain, proxy: str) -> None:
        self.proxy = chain.contract(vendors()["EACAggregatorProxy"], proxy)
        self.aggregator = Aggregator.deploy(chain, str(self.proxy.description()), self.proxy.decimals())
        self.aggregator.submit(int(self.proxy.latestAnswer()))
        owner = self.proxy.owner()
        self.proxy.proposeAggregator(self.aggregator.contract, sender=owner)
        self.proxy.confirmAggregator(self.aggregator.contract, sender=owner)

    @property
    def price(self) -> int:
        return int(self.proxy.latestAnswer())

    def move(self, factor: float) -> None:
        self.aggregator.submit(int(self.price * factor))

    def repeat(self) -> None:
        self.aggregator.submit(self.price)


def wallet(chain: RpcChain, artifacts: Any, address: str) -> Contract:
    """A token seen as ERC-20."""
    return chain.contract(artifacts["StockToken"], address)
