"""What a keeper tells Prometheus, and a log that machines can read."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class Metrics:
    """A registry of its own for each keeper, so that several can share a process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"everstock_keeper_{name}", what, labels, registry=self.registry)

        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"everstock_keeper_{name}", what, labels, registry=self.registry)

        self.actions = counter("actions", "Duties done", "kind")
        self.refusals = counter(
            "refusals", "Transactions that were mined and failed, or were not taken", "kind", "error"
        )
        self.unprofitable = counter("unprofitable", "Duties left because gas costs more than they pay", "kind")
        self.pokes = counter("pokes", "Markets poked")
        self.passes = counter("passes", "Passes")
        self.failed_passes = counter("failed_passes", "Passes that a node's failure ended", "error")
        self.rpc_failures = counter("rpc_failures", "Requests that an endpoint failed", "method")
        self.transactions = counter(
            "transactions", "Transactions replaced, or superseded by another of their nonce", "event"
        )
        self.reorganisations = gauge("reorganisations", "Reorganisations seen since the start")
        self.accounts = gauge("accounts", "Accounts with positions")
        self.orders = gauge("orders", "Orders that wait")
        self.redemptions = gauge("redemptions", "Redemptions that wait")
        self.loans = gauge("loans", "Accounts that borrow")
        self.requests = gauge("requests", "Requests of the keeper's own at issuance desks")
        self.gas_wei = gauge("gas_wei", "What the keeper holds to pay gas with")
        self.premium = gauge("premium", "Price at the venue over the share's, less one", "token")
        self.block = gauge("block", "Latest block seen")
        self.last_pass = gauge("last_pass_timestamp_seconds", "When the last pass ended well")
        self.seconds = Histogram("everstock_keeper_pass_seconds", "How long a pass takes", registry=self.registry)

    def serve(self, port: int, host: str = "127.0.0.1") -> None:
        """Answer scrapes at `http://host:port/metrics`, in a thread of its own."""
        start_http_server(port, host, registry=self.registry)

    def value(self, name: str, **labels: str) -> float:
        """A sample by its full name; 0 before the first."""
        return self.registry.get_sample_value(f"everstock_keeper_{name}", labels) or 0.0


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and what was passed as `extra={"fields": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "fields", {}).items())
        return f"{time.strftime('%H:%M:%S', time.gmtime(record.created))}  {record.getMessage()}  {fields}".rstrip()
