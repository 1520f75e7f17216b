"""What the deployment commands have in common: the connected chain, tables, a progress bar, errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import click
from ape.logging import LogLevel, logger
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from everstock.chain.ape import chain_id_of
from everstock.chain.base import LOCAL_CHAIN_ID
from everstock.chain.errors import ChainError
from everstock.chain.rpc import RpcChain
from everstock.client.system import System
from everstock.deploy.audit import Finding
from everstock.deploy.checks import NotDeployable
from everstock.deploy.handover import HandOverFailed
from everstock.deploy.journal import AddressTaken, DeploymentChanged, DeploymentIncomplete, RecordMismatch
from everstock.deploy.record import NoRecord, Record, Step
from everstock.deploy.release import Plan, Release
from everstock.params import UnknownNetwork

MAINNETS = {1: "ethereum", 8453: "base"}
ETHER = 10**18
FAULTS = (
    AddressTaken,
    ChainError,
    DeploymentChanged,
    DeploymentIncomplete,
    HandOverFailed,
    NoRecord,
    NotDeployable,
    RecordMismatch,
    UnknownNetwork,
)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Whatever a user can meet ends the command with one line that says what to do."""
    try:
        yield
    except ValidationError as error:
        faults = (f"{'/'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())
        raise click.ClickException("the parameters are not as they should be: " + "; ".join(faults)) from None
    except FAULTS as error:
        raise click.ClickException(str(error)) from error


def open_chain(provider: Any, account: Any = None) -> RpcChain:
    """The node that ape is connected to. Only a chain of the local id is taken for one to play with."""
    local = chain_id_of(provider) == LOCAL_CHAIN_ID
    chain = RpcChain.from_ape(provider, signer=account, public=not local)
    if local and account is not None and chain.balance(account) < ETHER:
        chain.fund(account, ETHER)
    return chain


def unlock(account: Any) -> None:
    """Ask for a key file's passphrase once, not at each of many transactions."""
    if hasattr(account, "set_autosign"):
        account.set_autosign(True)
        logger.set_level(LogLevel.ERROR)  # it would say at each transaction that it uses the key


def confirm(chain_id: int, network: str, transactions: int, yes: bool) -> None:
    """Ask before real money is spent, whatever the options say; elsewhere unless `yes`."""
    if chain_id in MAINNETS:
        typed = click.prompt(f"{transactions} transactions on {network}, with real money. Type its name to go on")
        if typed.strip() != network:
            raise click.Abort
    elif chain_id != LOCAL_CHAIN_ID and not yes:
        click.confirm(f"Send {transactions} transactions to {network}?", abort=True)


class Terminal:
    """Tables and progress on a console."""

    def __init__(self) -> None:
        console = Console()
        self.console = Console(width=max(console.width, 100) if sys.stdout.isatty() else 120, highlight=False)

    def plan(self, release: Release, plan: Plan) -> None:
        table = Table("step", "transaction", "address", "gas", title=f"Deployment to {release.network}", box=None)
        table.columns[3].justify = "right"
        for number, step in enumerate(plan.steps, 1):
            done = number <= plan.done
            gas = "done" if done else f"{step.gas_used or 0:,}"
            table.add_row(str(number), step.title, step.address, gas, style="dim" if done else "")
        self.console.print(table)
        self.console.print(
            f"\n{len(plan.left)} transactions, {plan.gas:,} gas: about {ether(plan.fee_wei)} ETH now, "
            f"at most {ether(plan.fee_limit_wei)}. {release.deployer} holds {ether(plan.balance_wei)}."
        )

    def run(self, release: Release, plan: Plan) -> tuple[System, Record]:
        columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task("deploying", total=len(plan.steps))

            def on_step(step: Step) -> None:
                bar.update(task, advance=1, description=step.title)

            return release.run(plan, on_step)

    def contracts(self, record: Record) -> None:
        table = Table("name", "contract", "address", title=f"Everstock on {record.network}", box=None)
        for name, contract in record.contracts.items():
            table.add_row(name, contract.contract, contract.address)
        self.console.print(table)

    def findings(self, findings: Sequence[Finding]) -> bool:
        """Whether all is as it should be."""
        table = Table("what", "compared", "result", box=None)
        table.columns[1].justify = "right"
        for finding in findings:
            result = f"[red]{finding.fault}[/red]" if finding.fault else "[green]as recorded[/green]"
            table.add_row(finding.subject, str(finding.count), result)
        self.console.print(table)
        return not any(finding.fault for finding in findings)


def ether(wei: int) -> str:
    """With six decimals."""
    return f"{Decimal(wei) / ETHER:.6f}"
