"""What `verify-deployment` finds, and that it finds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everstock.artifacts import load as load_artifacts
from everstock.chain.evm import EvmChain
from everstock.chain.rpc import RpcChain
from everstock.client import System
from everstock.deploy.audit import audit
from everstock.deploy.explorer import encode, standard_json, write_inputs
from everstock.deploy.handover import holders
from everstock.deploy.record import Record
from everstock.deploy.release import connect
from everstock.deploy.roles import Role
from support.public_node import BASE, DAY, PublicNode, finish

NOBODY = "0x" + "77" * 20


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PublicNode, Record]]:
    node, folder = PublicNode(), tmp_path_factory.mktemp("record")
    yield node, finish(node, folder, node.release(folder).plan())
    node.close()


@pytest.fixture
def node(public) -> Iterator[PublicNode]:
    with public[0].undone():
        yield public[0]


@pytest.fixture
def record(public) -> Record:
    return public[1].model_copy(deep=True)


@pytest.fixture
def system(node: PublicNode, record: Record) -> System:
    """With Anvil's powers: whoever holds a role acts."""
    return connect(RpcChain(node.uri), record)


def faults(node: PublicNode, record: Record) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in audit(node.chain(), record):
        if each.fault:
            found.setdefault(each.subject, []).append(each.fault)
    return found


def schedule_and_execute(system: System, target, data: bytes, holder: str, delay: int) -> None:
    system.authority.schedule(target, data, 0, sender=holder)
    system.chain.warp(delay)
    system.authority.execute(target, data, sender=holder)


def test_a_fresh_deployment_is_as_recorded(node, record):
    findings = audit(node.chain(), record)
    assert not [each for each in findings if each.fault]
    counts = {each.subject: each.count for each in findings}
    assert counts["transactions"] == len(record.steps)
    assert counts["code on chain"] == len(record.contracts)
    own = {contract.address for contract in record.contracts.values()}
    granted = [step for step in record.steps if step.function == "grantRole" and step.arguments["account"] in own]
    assert counts["role members"] == len(holders(record.params)) + len(granted)
    assert counts["changes of rights since"] > 20


def test_another_chain_and_an_unfinished_record_are_told(node, record):
    assert faults(node, record.model_copy(update={"chain_id": 1})) == {
        "chain": [f"the record is of chain 1, this is {BASE}"]
    }
    unfinished = record.model_copy(update={"complete": False})
    assert faults(node, unfinished) == {"record": ["the deployment is not finished: run it again"]}


def test_replaced_code_is_found(node, record):
    lens = record.contracts["lens"].address
    node.admin().rpc("anvil_setCode", lens, "0x6001")
    found = faults(node, record)
    assert len(found["code on chain"]) == 1
    assert found["code on chain"][0].startswith(f"lens: the code at {lens} has hash 0x")


def test_a_forged_record_is_found(node, record):
    """A record that names other transactions, or other data."""
    record.steps[1].transaction = record.steps[2].transaction
    record.steps[3].data_hash = "0x" + "00" * 32
    record.steps[4].transaction = "0x" + "11" * 32
    found = faults(node, record)["transactions"]
    assert any("step 2, CollateralVault: the transaction does not create 0x" in each for each in found)
    assert any(each.startswith("step 4, ") and "its data has hash" in each for each in found)
    assert any(each.startswith("step 5, ") and "the chain does not know 0x1111" in each for each in found)


def test_a_checkout_that_compiles_to_something_else_is_found(node, record):
    for step in record.steps:
        if step.contract == "PriceOracle":
            step.code_digest = "0x" + "00" * 32
    found = faults(node, record)
    assert found["code of this checkout"] == [
        f"PriceOracle: this checkout compiles to other code; the record is of commit {record.commit}"
    ]


def test_changed_parameters_are_found(node, record, system):
    governor = system.governor
    asset = system.asset("BTC")
    config = (asset.feed.address, 600, 0, "0x" + "00" * 20)
    schedule_and_execute(system, system.oracle, system.oracle.setAsset.encode(asset.id, config), governor, 2 * DAY)
    token = system.token("TSLA.M").address
    data = system.options.setToken.encode(token, 5 * 10**18, False)
    schedule_and_execute(system, system.options, data, governor, 2 * DAY)
    found = faults(node, record)
    assert [each.split(":")[0] for each in found["parameters"]] == ["asset BTC", "token TSLA.M"]
    assert "minimum notional is 5000000000000000000, recorded 1000000000000000000" in found["parameters"][1]


def test_a_role_that_nobody_should_have_is_found(node, record, system):
    admin = EvmChain.account("the admin")
    data = system.authority.grantRole.encode(int(Role.GOVERNOR), NOBODY, 0)
    schedule_and_execute(system, system.authority, data, admin, 3 * DAY)
    found = faults(node, record)
    assert found["role members"] == [f"{NOBODY} is GOVERNOR, and should not be"]
    assert len(found["changes of rights since"]) == 1
    assert found["changes of rights since"][0].startswith("RoleGranted (roleId 1, ")


def test_a_holder_that_lost_its_role_or_its_delay_is_found(node, record, system):
    admin, authority = EvmChain.account("the admin"), system.authority
    guardian, governor = EvmChain.account("the guardian"), EvmChain.account("the governor")
    data = authority.revokeRole.encode(int(Role.GUARDIAN), guardian)
    schedule_and_execute(system, authority, data, admin, 3 * DAY)
    data = authority.grantRole.encode(int(Role.GOVERNOR), governor, 0)
    schedule_and_execute(system, authority, data, admin, 3 * DAY)
    system.chain.warp(10 * DAY)
    system.chain.mine()
    assert faults(node, record)["role members"] == [
        f"{governor} is GOVERNOR with a delay of 0 seconds, recorded {2 * DAY}",
        f"{guardian} should be GUARDIAN, and is not",
    ]


def test_a_function_open_to_others_and_a_lost_guardian_are_found(node, record, system):
    admin, authority = EvmChain.account("the admin"), system.authority
    data = authority.setTargetFunctionRole.encode(system.vault, [system.vault.setModule.selector], 2**64 - 1)
    schedule_and_execute(system, authority, data, admin, 3 * DAY)
    data = authority.setRoleGuardian.encode(int(Role.ISSUER), int(Role.ADMIN))
    schedule_and_execute(system, authority, data, admin, 3 * DAY)
    found = faults(node, record)
    assert found["functions of restricted contracts"] == [
        f"CollateralVault.setModule at {system.vault.address} is for everybody, not for GOVERNOR"
    ]
    assert found["guardian of roles"] == ["the guardian of ISSUER is ADMIN"]
    assert len(found["changes of rights since"]) == 2


# ---------------------------------------------------------------------------------------------- for explorers


def test_the_explorers_input_compiles_to_the_recorded_code(tmp_path, record):
    assert write_inputs(record, tmp_path) == sum(not each.external for each in record.contracts.values())
    listed = json.loads((tmp_path / "contracts.json").read_text())["assets/BTC/feed"]
    source, contract = listed["contract"].split(":")
    request = (tmp_path / listed["input"]).read_text()
    assert json.loads(request) == standard_json(contract)
    solc = Path(sys.prefix) / "solcx" / f"solc-v{listed['compiler']}"
    done = subprocess.run([solc, "--standard-json"], input=request, capture_output=True, text=True, check=True)
    output = json.loads(done.stdout)["contracts"][source][contract]
    assert bytes.fromhex(output["evm"]["bytecode"]["object"]) == load_artifacts()[contract].bytecode


def test_the_explorers_arguments_are_those_that_were_sent(node, record):
    artifacts = load_artifacts()
    for step in record.steps:
        if step.kind == "create2":
            data = node.chain().rpc("eth_getTransactionByHash", step.transaction)["input"]
            assert data.endswith(encode(artifacts[step.contract].abi, step.arguments))
