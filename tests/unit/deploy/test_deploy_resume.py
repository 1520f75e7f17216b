"""A deployment that is cut off goes on where it was, repeats nothing and leaves the same record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.chain.errors import Reverted
from everstock.chain.evm import EvmChain
from everstock.deploy import NotDeployable
from everstock.deploy.journal import (
    FACTORY,
    AddressTaken,
    DeploymentChanged,
    DeploymentIncomplete,
    JournalChain,
    Mode,
    RecordMismatch,
    create2_address,
    create_address,
)
from everstock.deploy.record import NoRecord, Record, Store, digest
from everstock.deploy.release import Plan, Release, connect
from everstock.params import Params, load
from support.public_node import BASE, Cut, Killed, PublicNode, finish

POINTS = pytest.mark.parametrize("arrives", [False, True], ids=["before it arrives", "after it arrives"])


@pytest.fixture(scope="module")
def public() -> Iterator[PublicNode]:
    node = PublicNode()
    yield node
    node.close()


@pytest.fixture
def node(public: PublicNode) -> Iterator[PublicNode]:
    with public.undone():
        yield public


@pytest.fixture(scope="module")
def plan(public: PublicNode, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return public.release(tmp_path_factory.mktemp("plan")).plan()


@pytest.fixture(scope="module")
def whole(public: PublicNode, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The record of a deployment that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    with public.undone():
        finish(public, folder, plan)
    return (folder / "base.json").read_text()


def cut(node: PublicNode, folder: Path, plan: Plan, at: int, arrives: bool) -> None:
    chain = node.chain()
    Cut(chain, at, arrives=arrives)
    with pytest.raises(Killed):
        node.release(folder, chain).run(plan)


# ---------------------------------------------------------------------------------------------- the plan


def test_the_plan_sends_and_writes_nothing(node, plan, tmp_path):
    chain = node.chain()
    height = chain.block_number
    assert node.release(tmp_path).plan().contracts == plan.contracts
    assert (chain.nonce(node.deployer.address), chain.block_number) == (0, height)
    assert not list(tmp_path.iterdir())
    assert plan.done == 0
    assert plan.fee_limit_wei > plan.fee_wei > plan.gas > 0
    assert plan.balance_wei == 10**18


def test_the_plans_addresses_are_those_of_the_deployment(plan, whole):
    record = Record.model_validate_json(whole)
    assert {name: each.address for name, each in record.contracts.items()} == {
        name: each.address for name, each in plan.contracts.items()
    }
    assert [step.identity for step in record.steps] == [step.identity for step in plan.steps]


def test_the_record_says_what_was_done(whole, plan):
    record = Record.model_validate_json(whole)
    assert record.complete
    assert (record.network, record.chain_id) == ("base", BASE)
    assert [step.nonce for step in record.steps] == list(range(len(plan.steps)))
    assert all(step.transaction and step.block and step.gas_used and not step.signed for step in record.steps)
    vault = record.contracts["vault"]
    assert (vault.contract, vault.constructor) == (
        "CollateralVault",
        {"authority": record.contracts["authority"].address},
    )
    assert record.contracts["tokens/TSLA.M/main"].constructor is None
    assert record.params.roles.governor == EvmChain.account("the governor")


# ---------------------------------------------------------------------------------------------- cut off


def test_a_deployment_cut_off_at_every_transaction_leaves_the_same_record(node, plan, whole, tmp_path):
    """One deployment, cut off at each of its transactions, before or after it arrives, and taken up again each time."""
    for number in range(len(plan.steps)):
        cut(node, tmp_path, plan, 1, arrives=number % 2 == 1)
    finish(node, tmp_path, plan)
    assert (tmp_path / "base.json").read_text() == whole
    assert node.chain().nonce(node.deployer.address) == len(plan.steps)


@POINTS
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_cut_off_once_and_planned_again(node, plan, whole, tmp_path, share, arrives):
    at = 1 + round(share * (len(plan.steps) - 1))
    cut(node, tmp_path, plan, at, arrives)
    again = node.release(tmp_path).plan()
    assert again.done == at - 1
    assert len(again.steps) == len(plan.steps)
    finish(node, tmp_path, again)
    assert (tmp_path / "base.json").read_text() == whole


def test_a_finished_deployment_sends_nothing_more(node, plan, whole, tmp_path):
    finish(node, tmp_path, plan)
    again = node.release(tmp_path).plan()
    assert (again.left, again.gas, again.fee_wei) == ([], 0, 0)
    finish(node, tmp_path, again)
    assert (tmp_path / "base.json").read_text() == whole


PROCESS = """
import os, signal, sys
from pathlib import Path
from everstock.chain.rpc import RpcChain
from everstock.deploy.record import Store
from everstock.deploy.release import Release
from everstock.params import Params, load
from eth_account import Account
from everstock.chain.accounts import key
from support.public_node import COMMIT, Cut

uri, folder, at, arrives = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "True"
params = Params.model_validate_json((folder / "params.txt").read_text())
chain = RpcChain(uri, signer=Account.from_key(key("deployer")), public=True)
release = Release(chain, params, "base", chain.signer.address, store=Store(folder))
release.commit = COMMIT
plan = release.plan()
Cut(chain, at, arrives=arrives, kill=lambda: os.kill(os.getpid(), signal.SIGKILL))
release.run(plan)
"""


@POINTS
def test_a_killed_process_leaves_the_same_record(node, plan, whole, tmp_path, arrives):
    (tmp_path / "params.txt").write_text(node.params.model_dump_json())
    here = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", PROCESS, node.uri, str(tmp_path), str(len(plan.steps) // 3), str(arrives)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": here}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not list(tmp_path.glob(".*.tmp"))
    finish(node, tmp_path, plan)
    assert (tmp_path / "base.json").read_text() == whole


def test_a_transaction_still_waiting_is_awaited_and_not_sent_twice(node, plan, tmp_path):
    admin = node.admin()
    admin.rpc("evm_setAutomine", False)
    cut(node, tmp_path, plan, 1, arrives=True)
    assert admin.rpc("eth_getTransactionCount", node.deployer.address, "pending") == "0x1"
    admin.rpc("evm_setAutomine", True)
    admin.rpc("evm_mine")
    record = finish(node, tmp_path, plan)
    assert [step.nonce for step in record.steps] == list(range(len(plan.steps)))


def test_a_number_taken_by_another_transaction_is_found_out(node, plan, tmp_path):
    cut(node, tmp_path, plan, 4, arrives=False)
    node.chain().send(node.deployer.address, EvmChain.account("stranger"), value=1)
    record = finish(node, tmp_path, plan)
    assert [step.nonce for step in record.steps] == [0, 1, 2, *range(4, len(plan.steps) + 1)]


def test_a_transaction_replaced_by_the_same_one_is_adopted(node, plan, tmp_path):
    """As wallets do at a higher fee: another hash, the same number, target and data."""
    cut(node, tmp_path, plan, 4, arrives=False)
    step = Store(tmp_path).load("base").steps[-1]
    assert step.signed is not None
    original = Account.recover_transaction(step.signed), TypedTransaction.from_bytes(HexBytes(step.signed)).as_dict()
    assert original[0] == node.deployer.address
    fields = {name: original[1][name] for name in ("to", "data", "gas", "nonce", "value", "chainId")}
    faster = node.chain()
    fees = {"type": 2, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 7}
    faster.wait(faster.broadcast(faster.signer.sign(fields | fees)))
    record = finish(node, tmp_path, plan)
    assert [each.nonce for each in record.steps] == list(range(len(plan.steps)))
    assert record.steps[3].transaction not in step.sent


def test_too_low_a_fee_is_raised_under_the_same_number(node, plan, tmp_path):
    stingy = node.chain()
    stingy.fees = lambda: (0, 1)  # type: ignore[method-assign]
    with pytest.raises(Exception, match="fee"):
        node.release(tmp_path, stingy).run(plan)
    step = Store(tmp_path).load("base").steps[0]
    assert (step.nonce, len(step.sent)) == (0, 1)
    record = finish(node, tmp_path, plan)
    assert record.steps[0].nonce == 0
    assert record.steps[0].transaction not in step.sent


# ---------------------------------------------------------------------------------------------- refusals


def refused(release: Release, error: type[Exception], match: str) -> None:
    nonce = release.chain.nonce(release.deployer)
    with pytest.raises(error, match=match):
        release.run(release.plan())
    assert release.chain.nonce(release.deployer) == nonce


def test_another_chain_is_refused(node, tmp_path):
    params = node.params.model_copy(update={"chain_id": 84_532})
    refused(node.release(tmp_path, params=params), NotDeployable, "are for chain 84532, and this is chain 8453")


def test_local_parameters_are_for_local_chains(node, tmp_path):
    match = f"local are for chain {LOCAL_CHAIN_ID}"
    refused(node.release(tmp_path, params=load("local")), NotDeployable, match)


def test_too_little_ether_is_refused(node, tmp_path):
    node.admin().rpc("anvil_setBalance", node.deployer.address, hex(10**15))
    refused(node.release(tmp_path), NotDeployable, r"holds 0\.001000 ETH, and \d+ transactions may take 0\.\d+")


@pytest.fixture
def begun(node, plan, tmp_path) -> Path:
    cut(node, tmp_path, plan, len(plan.steps) // 2, arrives=False)
    return tmp_path


def test_other_parameters_are_refused(node, begun):
    changed = node.params.model_dump()
    changed["tokens"]["CRCL.M"]["min_notional"] = "3"
    release = node.release(begun, params=Params.model_validate(changed))
    refused(release, DeploymentChanged, "base.json: tokens/CRCL.M/min_notional was 2, is 3")


def test_another_label_or_deployer_is_refused(node, begun):
    refused(node.release(begun, label="2"), DeploymentChanged, "label was 1, is 2")
    other = Release(node.chain(), node.params, "base", EvmChain.account("other"), store=Store(begun))
    refused(other, DeploymentChanged, "deployer was 0x")


def other_code(release: Release, name: str) -> None:
    artifact = release.artifacts[name]
    swapped = type(artifact)(name, artifact.abi, artifact.bytecode[:-1] + b"\xff", artifact.runtime_size)
    release.artifacts = type(release.artifacts)({**release.artifacts, name: swapped})


@pytest.mark.parametrize("name", ["CollateralVault", "StockToken"], ids=["deployed already", "not deployed yet"])
def test_changed_code_is_refused(node, begun, name):
    release = node.release(begun)
    other_code(release, name)
    refused(release, DeploymentChanged, "changed")


def test_a_changed_argument_names_itself(node, begun):
    """Whatever the parameters say: each step is compared with the record."""
    record = Store(begun).load("base")
    release = node.release(begun, params=node.params.model_copy(update={"treasury": EvmChain.account("other")}))
    release._record = lambda: (record, 0)  # type: ignore[method-assign]
    with pytest.raises(DeploymentChanged, match=r"OptionsExtension and is OptionsExtension; .*treasury_? changed"):
        release.plan()


def test_a_chain_without_the_recorded_transactions_is_refused(node, plan, tmp_path):
    admin = node.admin()
    taken = admin.rpc("evm_snapshot")
    cut(node, tmp_path, plan, 3, arrives=False)
    admin.rpc("evm_revert", taken)
    with pytest.raises(RecordMismatch, match="step 1, Authority: the chain does not know its transaction 0x"):
        finish(node, tmp_path, plan)


def test_code_that_is_not_the_recorded_one_is_refused(node, begun):
    record = Store(begun).load("base")
    vault = next(step for step in record.steps if step.contract == "CollateralVault")
    node.admin().rpc("anvil_setCode", vault.address, "0x00")
    with pytest.raises(RecordMismatch, match=f"the code at {vault.address} has hash 0x"):
        connect(node.chain(), record)


def test_an_unfinished_deployment_cannot_be_opened(node, begun):
    with pytest.raises(DeploymentIncomplete, match=r"was begun and is not mined|ends before step"):
        connect(node.chain(), Store(begun).load("base"))


def test_an_unknown_deployment_is_named(tmp_path):
    (tmp_path / "base.json").write_text("{}")
    with pytest.raises(NoRecord, match=r"no deployment 'optimism' in .*: there are base"):
        Store(tmp_path).load("optimism")


def test_an_address_that_is_taken_is_refused(node, plan, tmp_path):
    node.admin().rpc("anvil_setCode", plan.contracts["vault"].address, "0x00")
    match = "CollateralVault would go to 0x.*, where there is code: use another label"
    refused(node.release(tmp_path), AddressTaken, match)


def test_an_address_that_somebody_took_in_between_is_refused(node, plan, tmp_path):
    """Anyone can send the same init code through the factory, and be first."""
    cut(node, tmp_path, plan, 2, arrives=False)
    record = Store(tmp_path).load("base")
    init = node.release(tmp_path).artifacts["CollateralVault"].bytecode
    init += bytes.fromhex(record.steps[0].address[2:]).rjust(32, b"\0")
    salt = bytes.fromhex(str(record.steps[1].salt)[2:])
    assert digest(init) == record.steps[1].data_hash
    node.chain("feeds").send(EvmChain.account("feeds"), FACTORY, salt + init)
    with pytest.raises(Reverted):
        finish(node, tmp_path, plan)
    with pytest.raises(AddressTaken, match="somebody else created it"):
        finish(node, tmp_path, plan)


def test_a_constructor_that_refuses_says_why(node, tmp_path):
    chain = node.chain()
    record = Record.model_validate(
        {
            "network": "base",
            "chain_id": BASE,
            "deployer": node.deployer.address,
            "version": "0",
            "commit": "unknown",
            "label": "1",
            "started_at": 0,
            "plan_digest": "",
            "parameters": {},
        }
    )
    journal = JournalChain(chain, record, Mode.SIGN)
    artifacts = node.release(tmp_path).artifacts
    nowhere = "0x" + "00" * 20
    config = (b"BTC".ljust(32, b"\0"), 10**18, 1, 1, 1, 2, 0)
    with pytest.raises(Reverted) as caught:
        journal.deploy(artifacts["OptionMarket"], nowhere, nowhere, nowhere, nowhere, config, sender=chain.signer)
    assert caught.value.name.startswith("OptionMarket_")
    assert not record.steps


# ---------------------------------------------------------------------------------------------- without the factory


def test_without_the_factory_plain_creation_resumes_as_well(node, plan, tmp_path):
    node.admin().rpc("anvil_setCode", FACTORY, "0x")
    first = node.release(tmp_path / "whole").plan()
    assert first.steps[0].kind == "create"
    assert first.steps[0].address == create_address(node.deployer.address, 0)
    folder = tmp_path / "cut"
    for _ in range(12):
        cut(node, folder, first, 1, arrives=False)
        cut(node, folder, first, 1, arrives=True)
    record = finish(node, folder, node.release(folder).plan())
    assert {name: each.address for name, each in record.contracts.items()} == {
        name: each.address for name, each in first.contracts.items()
    }


def test_a_plain_creation_whose_number_is_taken_cannot_go_on(node, tmp_path):
    node.admin().rpc("anvil_setCode", FACTORY, "0x")
    plan = node.release(tmp_path).plan()
    cut(node, tmp_path, plan, 2, arrives=False)
    node.chain().send(node.deployer.address, EvmChain.account("stranger"), value=1)
    with pytest.raises(DeploymentChanged, match=r"number 1 of .* went to another transaction"):
        finish(node, tmp_path, plan)


# ---------------------------------------------------------------------------------------------- addresses


def test_creation_addresses_are_those_of_the_standards():
    """EIP-1014's example, and the well-known first creations of an account."""
    init = bytes.fromhex("deadbeef")
    nobody = "0x" + "00" * 20
    assert create_address(nobody, 0) == "0xBd770416a3345F91E4B34576cb804a576fa48EB1"
    assert create_address(nobody, 128) != create_address(nobody, 127)
    chain = EvmChain()
    sender = chain.account("creator")
    for nonce in range(3):
        assert chain.send(sender, None, bytes.fromhex("00")).contract_address == create_address(sender, nonce)
    assert create2_address(b"\0" * 32, init) == create2_address(b"\0" * 32, init)
    assert create2_address(b"\1" * 32, init) != create2_address(b"\0" * 32, init)


# ---------------------------------------------------------------------------------------------- opened again


def test_a_finished_deployment_is_opened_and_used(node, plan, tmp_path):
    record = finish(node, tmp_path, plan)
    system: Any = connect(node.chain(), record)
    assert system.governor == EvmChain.account("the governor")
    token = system.token("TSLA.M")
    assert token.main_contract.asset() == token.address
    assert system.chain.nonce(node.deployer.address) == len(plan.steps)
    market = system.market("BTC-7D")
    market.poke(sender=node.deployer.address)
    assert system.chain.nonce(node.deployer.address) == len(plan.steps) + 1
