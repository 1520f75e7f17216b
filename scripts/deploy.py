"""`ape run deploy --network base:sepolia:node --account NAME`: plan, confirm, deploy; again, to go on after a crash."""

from __future__ import annotations

from typing import Any

import click
from ape.cli import ConnectedProviderCommand, account_option

from everstock.deploy.audit import audit
from everstock.deploy.record import Store
from everstock.deploy.release import Release
from everstock.deploy.terminal import Terminal, confirm, in_one_line, open_chain, unlock
from everstock.params import LOCAL, Params, load, named_for

ROLES = ("admin", "governor", "guardian", "issuer")


def holders_of(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    holders = dict(value.partition("=")[::2] for value in values)
    for role in holders:
        if role not in ROLES:
            raise click.BadParameter(f"{role!r} is no role: there are {', '.join(ROLES)}")
    return holders


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--params", "name", help="File below params/. Default: the one of the connected chain.")
@click.option(
    "--holder", "holders", multiple=True, callback=holders_of, metavar="ROLE=ADDRESS", help="Who gets a role."
)
@click.option("--safe", metavar="ADDRESS", help="Who gets every role that --holder does not name.")
@click.option("--treasury", metavar="ADDRESS", help="Who gets the protocol's part of the fees.")
@click.option("--label", default="1", show_default=True, help="Another one gives other addresses.")
@click.option("--dry-run", is_flag=True, help="Rehearse on a fork and show the plan. Sends nothing.")
@click.option("--yes", is_flag=True, help="Do not ask, on a testnet.")
def cli(
    provider: Any,
    account: Any,
    name: str | None,
    holders: dict[str, str],
    safe: str | None,
    treasury: str | None,
    label: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Deploy to the connected network, on the record; run again to go on after a crash."""
    terminal, store = Terminal(), Store()
    with in_one_line():
        chain = open_chain(provider, account)
        if safe is not None:
            holders = dict.fromkeys(ROLES, safe) | holders
        params = parameters(name or named_for(chain.chain_id), holders, treasury, store)
        release = Release(chain, params, params.network, chain.sender_of(None), label=label, store=store)
        with terminal.console.status("Rehearsing on a fork"):
            plan = release.plan()
        terminal.plan(release, plan)
        if dry_run:
            terminal.console.print("A dry run: nothing was sent.")
            return
        if plan.left:
            confirm(chain.chain_id, params.network, len(plan.left), yes)
            unlock(account)
        _, record = terminal.run(release, plan)
        terminal.contracts(record)
        terminal.console.print()
        if not terminal.findings(audit(chain, record)):
            raise click.ClickException("the deployment is not as it should be")
        terminal.console.print(f"\nRecorded in {store.folder.name}/{params.network}.json.")


def parameters(name: str, holders: dict[str, str], treasury: str | None, store: Store) -> Params:
    """From file and options. Who goes on with a deployment need not repeat the options."""
    known = store.find(name)
    before = known.parameters if known is not None else {}
    kept = {role: holder for role in ROLES if (holder := before.get("roles", {}).get(role))}
    missing = [role for role in ROLES if role not in kept | holders]
    if missing and name != LOCAL:
        raise click.UsageError(f"name who holds {', '.join(missing)}, with --holder or --safe")
    if not (treasury or before.get("treasury") or name == LOCAL):
        raise click.UsageError("name who gets the protocol's part of the fees, with --treasury")
    overrides: dict[str, Any] = {"roles": kept | holders}
    if treasury or before.get("treasury"):
        overrides["treasury"] = treasury or before["treasury"]
    return load(name, overrides=overrides)
