"""Where the gas of an operation goes: `python -m everstock.report.gas_slots` traces a few of them on Anvil, records
every slot and call in `snapshots/slots.json` and writes `docs/gas-slots.md` from it.

Slots are named by the compiler's storage layouts and the keys that the trace hashes.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from eth_utils.crypto import keccak

from everstock.artifacts import find_root, load
from everstock.chain.anvil import anvil_chain
from everstock.chain.receipt import Receipt
from everstock.client import Side
from everstock.gas import POKE_INTERVAL_SECONDS, TRADE_DELAY_SECONDS, Bench

PAGE = Path("docs") / "gas-slots.md"
RECORD = Path("snapshots") / "slots.json"
CALLS = ("CALL", "STATICCALL", "DELEGATECALL")
BASE_COST = 21_000
STRUCT_SLOTS = 16
"""How far from its hash a word of a mapping's value may lie."""

HEAD = """# Where the gas goes

Written by `python -m everstock.report.gas_slots`, which traces these operations on Anvil, from `snapshots/slots.json`.
Each is measured as in [gas](gas.md). Reads and writes are what the EVM charges for all accesses of a slot in the
operation: a cold read is 2,100, a write to a slot already read 2,900. A call's gas is its own price, 2,600 to a cold
account, and not what happens inside. Computation is the rest: arithmetic, memory, dispatch, encoding.
"""

Json = dict[str, Any]


def _compiler() -> ModuleType:
    path = find_root() / "toolchain" / "compile.py"
    spec = importlib.util.spec_from_file_location("everstock_compile", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def layouts() -> dict[str, Json]:
    """The compiler's storage layout of every contract."""
    compiler = _compiler()
    config = compiler.Config.read()
    sources = compiler.Sources(config)
    answer = compiler.run_solc(config, sources, sources.own, {"*": ["storageLayout"]})
    return {name: out["storageLayout"] for file in answer["contracts"].values() for name, out in file.items()}


@dataclass
class Names:
    """Names of slots, from layouts and from what the trace has hashed."""

    layouts: dict[str, Json]
    hashed: dict[int, bytes] = field(default_factory=dict)

    def slot(self, contract: str, slot: int) -> str:
        return self._find(self.layouts.get(contract, {}), slot)[0] or f"slot {slot:#x}"[:18]

    def _find(self, layout: Json, slot: int, depth: int = 4) -> tuple[str, str]:
        """(name, type)"""
        types = layout.get("types") or {}
        for entry in layout.get("storage", ()):
            offset = slot - int(entry["slot"])
            if 0 <= offset < -(-int(types[entry["type"]]["numberOfBytes"]) // 32):
                return self._member(types, entry["type"], entry["label"], offset)
        if depth == 0:
            return "", ""
        for start, text in self.hashed.items():
            if 0 <= slot - start < STRUCT_SLOTS:
                label, kind = self._find(layout, int.from_bytes(text[-32:], "big"), depth - 1)
                value = types.get(kind, {}).get("value") or types.get(kind, {}).get("base")
                if label:
                    return self._member(types, value or "", f"{label}[]", slot - start)
        return "", ""

    def _member(self, types: Json, kind: str, label: str, offset: int) -> tuple[str, str]:
        members = types.get(kind, {}).get("members")
        if not members:
            return label, kind
        inside = [m for m in members if int(m["slot"]) == offset]
        if not inside:
            return label, kind
        return f"{label}.{'/'.join(m['label'] for m in inside)}", inside[0]["type"]


def analyse(logs: list[Json], gas_used: int, base: int, to: str, names: Names, contract: Callable[[str], str]) -> Json:
    """Slots, calls and events of one trace, each with its gas; computation by contract."""
    # Storage belongs to the caller in a delegate call; computation to the code.
    frames = [(to, to)]
    slots: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: {"read": 0, "write": 0})
    calls: dict[tuple[str, str], list[int]] = defaultdict(list)
    events: dict[str, int] = defaultdict(int)
    spent: dict[str, int] = defaultdict(int)
    for log in logs:
        if log["op"] == "KECCAK256":
            at, size = (int(log["stack"][-i], 16) for i in (1, 2))
            text = bytes.fromhex("".join(w.removeprefix("0x").zfill(64) for w in log["memory"]))[at : at + size]
            if size in (32, 64):
                names.hashed[int.from_bytes(keccak(text), "big")] = text
    for i, log in enumerate(logs):
        op, depth = log["op"], log["depth"]
        del frames[depth:]
        storage, code = frames[-1]
        follower = logs[i + 1] if i + 1 < len(logs) else None
        cost = log["gasCost"]
        if op == "SLOAD" or op == "SSTORE":
            slots[contract(storage), int(log["stack"][-1], 16)]["read" if op == "SLOAD" else "write"] += cost
        elif op in CALLS:
            target = "0x" + log["stack"][-2].removeprefix("0x").zfill(40)[-40:]
            after = next(x for x in logs[i + 1 :] if x["depth"] <= depth)
            inner = 0
            if follower is not None and follower["depth"] > depth:
                last = next(k for k in range(i + 1, len(logs)) if logs[k]["depth"] <= depth) - 1
                inner = follower["gas"] - (logs[last]["gas"] - logs[last]["gasCost"])
                frames.append((storage if op == "DELEGATECALL" else target, target))
            own = log["gas"] - after["gas"] - inner
            calls[contract(code), contract(target)].append(own)
        elif op.startswith("LOG"):
            events[contract(code)] += cost
        else:
            spent[contract(code)] += cost
    counted = sum(s["read"] + s["write"] for s in slots.values()) + sum(map(sum, calls.values()))
    counted += sum(events.values()) + sum(spent.values())
    return {
        "gas": gas_used,
        "slots": [
            {"contract": name, "slot": names.slot(name, slot), **cost} for (name, slot), cost in sorted(slots.items())
        ],
        "calls": [
            {"from": a, "to": b, "times": len(costs), "gas": sum(costs)} for (a, b), costs in sorted(calls.items())
        ],
        "events": dict(sorted(events.items())),
        "computation": dict(sorted(spent.items())),
        "transaction": base,
        "refund": base + counted - gas_used,
    }


def record() -> dict[str, Json]:
    """Every operation's trace, taken apart."""
    known = layouts()
    sizes = {artifact.runtime_size: name for name, artifact in load().items() if artifact.runtime_size > 100}
    with anvil_chain(extra_args=("--steps-tracing",)) as chain:
        bench = Bench(chain)
        account, market, token = bench.account, bench.market, bench.token
        given = {
            token.main.address.lower(): "MainPool",
            token.insurance.address.lower(): "InsurancePool",
            bench.system.options.address.lower(): "PerpetualOptions",
        }

        def contract(address: str) -> str:
            address = address.lower()
            if address not in given:
                given[address] = sizes.get(len(chain.code(address)), address[:10])
            return given[address]

        def trace(act: Callable[[], Receipt], *before: Callable[[], object], wait: int = TRADE_DELAY_SECONDS) -> Json:
            price = bench.price
            with chain.anchor():
                for step in before:
                    step()
                chain.warp(wait)
                receipt = act()
                options = {"enableMemory": True, "disableStorage": True}
                steps = chain.rpc("debug_traceTransaction", receipt.tx_hash, options)["structLogs"]
                sent = chain.rpc("eth_getTransactionByHash", receipt.tx_hash)["input"]
                base = BASE_COST + sum(16 if byte else 4 for byte in bytes.fromhex(sent.removeprefix("0x")))
                found = analyse(steps, receipt.gas_used, base, str(receipt.to), Names(known), contract)
            bench.price = price
            return found

        return {
            "open (add)": trace(lambda: account.open(market, 0, Side.PUT, 100)),
            "close (full)": trace(lambda: account.close(market, 0, Side.PUT)),
            "poke (same print)": trace(market.poke, wait=POKE_INTERVAL_SECONDS),
            "poke (new print)": trace(market.poke, bench.new_print, wait=POKE_INTERVAL_SECONDS),
            "pool deposit (8 strikes)": trace(lambda: token.main.fund(bench.lp, 100)),
        }


def page(recorded: dict[str, Json]) -> str:
    """The page from what was recorded."""
    lines = [HEAD]
    for operation, found in recorded.items():
        lines += [f"## {operation}", "", "| where | what | read | write |", "|---|---|---:|---:|"]
        lines += [
            f"| `{s['contract']}` | `{s['slot']}` | {_figure(s['read'])} | {_figure(s['write'])} |"
            for s in found["slots"]
        ]
        lines += ["", "| call, event or rest | gas |", "|---|---:|"]
        for call in found["calls"]:
            times = f", {call['times']} times" if call["times"] > 1 else ""
            lines.append(f"| `{call['from']}` calls `{call['to']}`{times} | {call['gas']:,} |")
        lines += [f"| events of `{name}` | {gas:,} |" for name, gas in found["events"].items()]
        lines += [f"| computation in `{name}` | {gas:,} |" for name, gas in found["computation"].items()]
        reads, writes = (sum(s[kind] for s in found["slots"]) for kind in ("read", "write"))
        lines += [f"| all reads of slots | {reads:,} |", f"| all writes | {writes:,} |"]
        lines += [f"| the transaction itself: base cost and calldata | {found['transaction']:,} |"]
        if found["refund"]:
            lines.append(f"| given back for slots cleared | −{found['refund']:,} |")
        lines += [f"| **together** | **{found['gas']:,}** |", ""]
    return "\n".join(lines)


def _figure(gas: int) -> str:
    return f"{gas:,}" if gas else ""


def main() -> None:
    root = find_root()
    recorded = record()
    (root / RECORD).write_text(json.dumps(recorded, indent=1) + "\n")
    (root / PAGE).write_text(page(recorded))
    print(f"wrote {RECORD} and {PAGE}")


if __name__ == "__main__":
    main()
