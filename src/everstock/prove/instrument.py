"""Puts a marker before every statement, and on both sides of every `if`, of a Solidity source.

A marker is a static call without gas to an address of its own. It returns at once and changes nothing, the optimizer
keeps it, and the account that it names stays among those that the EVM has loaded, reverted or not: reading them tells
which statements ran. `pure` becomes `view`, since a pure function may not call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Node = dict[str, Any]
Kind = Literal["statement", "branch"]

BASE = 0xC0DE << 144
"""Markers are `BASE + index`."""

LOOPS = ("ForStatement", "WhileStatement", "DoWhileStatement")
PURE = re.compile(r"\bpure\b")


@dataclass(frozen=True)
class Point:
    """Something that should run: a statement, or one side of a condition."""

    index: int
    source: str
    line: int
    kind: Kind
    text: str


@dataclass
class Instrument:
    """Collects the points of several sources; each is numbered once."""

    points: list[Point] = field(default_factory=list)

    def rewrite(self, source: str, text: str, tree: Node) -> str:
        """The source with its markers."""
        return _Writer(self, source, text).write(tree)

    def add(self, source: str, line: int, kind: Kind, text: str) -> str:
        """A new point; its marker."""
        point = Point(len(self.points), source, line, kind, text)
        self.points.append(point)
        return f' assembly ("memory-safe") {{ pop(staticcall(0, 0x{BASE + point.index:040x}, 0, 0, 0, 0)) }} '


def without_pure(text: str) -> str:
    """Functions that call marked ones cannot stay pure."""
    return PURE.sub("view", text)


class _Writer:
    def __init__(self, instrument: Instrument, source: str, text: str) -> None:
        self.instrument = instrument
        self.source = source
        self.bytes = text.encode()
        self.insertions: list[tuple[int, str]] = []

    def write(self, tree: Node) -> str:
        for body in _bodies(tree):
            self._block(body)
        out, last = [], 0
        for at, text in sorted(self.insertions, key=lambda each: each[0]):  # stable: outer first
            out.append(self.bytes[last:at].decode())
            out.append(text)
            last = at
        return "".join(out) + self.bytes[last:].decode()

    # ── statements ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _block(self, node: Node) -> None:
        for statement in node["statements"]:
            self._statement(statement)

    def _statement(self, node: Node) -> None:
        kind = node["nodeType"]
        if kind in ("Block", "UncheckedBlock"):
            self._block(node)
            return
        if kind == "PlaceholderStatement":
            return
        start, _ = _span(node)
        self._insert(start, self._marker(node, "statement"))
        if kind == "IfStatement":
            self._if(node)
        elif kind in LOOPS:
            self._body(node["body"], "")
        elif kind == "TryStatement":
            for clause in node["clauses"]:
                self._block(clause["block"])

    def _if(self, node: Node) -> None:
        then, otherwise = node["trueBody"], node.get("falseBody")
        self._body(then, self._marker(node, "branch", "true: "))
        if otherwise is None:
            self._insert(self._end(then), f" else {{ {self._marker(node, 'branch', 'false: ')} }}")
        else:
            self._body(otherwise, self._marker(node, "branch", "false: "))

    def _body(self, node: Node, marker: str) -> None:
        """A body, in braces of ours unless it has its own."""
        start, _ = _span(node)
        if node["nodeType"] in ("Block", "UncheckedBlock"):
            self._insert(start + 1, marker)
            self._block(node)
            return
        self._insert(start, "{" + marker)
        self._statement(node)
        self._insert(self._end(node), "}")

    # ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _insert(self, at: int, text: str) -> None:
        self.insertions.append((at, text))

    def _end(self, node: Node) -> int:
        """Behind the statement: the compiler's span ends before the semicolon."""
        if node["nodeType"] == "IfStatement":
            return self._end(node.get("falseBody") or node["trueBody"])
        if node["nodeType"] in LOOPS:
            return self._end(node["body"])
        start, end = _span(node)
        if self.bytes[start:end].rstrip().endswith((b"}", b";")):
            return end
        return self.bytes.index(b";", end) + 1

    def _marker(self, node: Node, kind: Kind, side: str = "") -> str:
        start, end = _span(node)
        line = self.bytes.count(b"\n", 0, start) + 1
        text = self.bytes[start:end].decode().splitlines()[0].strip()
        return self.instrument.add(self.source, line, kind, side + text)


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = (int(part) for part in node["src"].split(":"))
    return start, start + length


def _bodies(node: Any) -> Iterator[Node]:
    """The bodies of every function and modifier."""
    if isinstance(node, list):
        for each in node:
            yield from _bodies(each)
    elif isinstance(node, dict):
        if node.get("nodeType") in ("FunctionDefinition", "ModifierDefinition"):
            if node.get("body"):
                yield node["body"]
            return
        for each in node.values():
            if isinstance(each, dict | list):
                yield from _bodies(each)
