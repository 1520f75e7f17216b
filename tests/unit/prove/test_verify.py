"""What `make verify` reads out of its tools."""

from __future__ import annotations

from everstock.artifacts import find_root
from everstock.prove.verify import Proof, explanation, findings, load_triage, properties, read_verdicts, unused


def raw(check: str, impact: str, file: str, description: str) -> dict:
    element = {"source_mapping": {"filename_relative": file, "lines": [7, 8]}}
    return {"check": check, "impact": impact, "description": description, "elements": [element]}


def test_only_serious_findings_in_deployed_contracts_count() -> None:
    found = findings(
        [
            raw("reentrancy", "Medium", "contracts/vault/Vault.sol", "Reentrancy in Vault.pay(address,uint256) (…)"),
            raw("timestamp", "Low", "contracts/vault/Vault.sol", "Vault.pay(address) uses timestamp"),
            raw("shift", "High", "lib/@solady/src/X.sol", "X.y() shifts"),
            raw("shift", "High", "contracts/mocks/M.sol", "M.y() shifts"),
        ]
    )
    assert [(each.check, each.where, each.place) for each in found] == [
        ("reentrancy", "Vault.pay", "contracts/vault/Vault.sol:7")
    ]


def test_an_explanation_is_for_a_check_and_a_place() -> None:
    (found,) = findings([raw("reentrancy", "High", "contracts/v/V.sol", "Reentrancy in V.pay(address)")])
    assert explanation(found, {"reentrancy": {"V.*": "guarded"}}) == "guarded"
    assert explanation(found, {"reentrancy": {"W.*": "guarded"}}) is None
    assert explanation(found, {"shift": {"V.*": "guarded"}}) is None
    assert unused([found], {"reentrancy": {"V.pay": "a", "V.get": "b"}}) == ["reentrancy V.get"]


def test_the_triage_file_gives_a_sentence_for_each_entry() -> None:
    for entries in load_triage(find_root()).values():
        for why in entries.values():
            assert why.endswith(".")
            assert len(why) > 20


HALMOS = """
[PASS] check_a(uint256) (paths: 3, time: 0.50s, bounds: [])
WARNING  check_b(uint256): paths have not been fully
         explored due to the loop unrolling bound: 2
         [see wiki]
\x1b[32m[PASS]\x1b[0m check_b(uint256) (paths: 5, time: 1.25s, bounds: [])
[FAIL] check_c() (paths: 2, time: 0.10s, bounds: [])
"""


def test_verdicts_are_read_and_a_partial_proof_is_none() -> None:
    expected = {name: Proof("P", name, name) for name in ("check_a", "check_b", "check_c", "check_d")}
    verdicts = {each.function: each for each in read_verdicts(HALMOS, expected)}
    assert [each.verdict for each in verdicts.values()] == ["PASS", "PARTIAL", "FAIL", "MISSING"]
    assert (verdicts["check_a"].paths, verdicts["check_a"].seconds) == (3, 0.5)
    assert [each.holds for each in verdicts.values()] == [True, False, False, False]


def test_properties_have_words() -> None:
    output = {
        "evm": {"methodIdentifiers": {"check_a(uint256)": "00", "setUp()": "01"}},
        "userdoc": {"methods": {"check_a(uint256)": {"notice": "It holds."}}},
    }
    assert properties("P", output) == {"check_a": Proof("P", "check_a", "It holds.")}
