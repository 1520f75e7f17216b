"""`ape run verify-deployment --network base:sepolia:node`: is on the chain what the record says, and nothing else?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from ape.cli import ConnectedProviderCommand

from everstock.deploy.audit import audit
from everstock.deploy.explorer import write_inputs
from everstock.deploy.record import Store
from everstock.deploy.terminal import Terminal, in_one_line, open_chain
from everstock.params import named_for


@click.command(cls=ConnectedProviderCommand)
@click.option("--record", "name", help="File below deployments/. Default: the one of the connected chain.")
@click.option(
    "--explorer",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write what explorers ask for.",
)
def cli(provider: Any, name: str | None, explorer: Path | None) -> None:
    """Compare code, parameters and roles on the connected network with the record."""
    terminal = Terminal()
    with in_one_line():
        chain = open_chain(provider)
        record = Store().load(name or named_for(chain.chain_id))
        with terminal.console.status("Comparing") as status:
            findings = audit(chain, record, on_progress=lambda subject: status.update(f"Comparing: {subject}"))
        all_well = terminal.findings(findings)
        if explorer is not None:
            count = write_inputs(record, explorer)
            terminal.console.print(f"\n{count} inputs in {explorer}: standard JSON, with the constructor's arguments.")
    if not all_well:
        raise click.ClickException(f"{record.network} is not as recorded")
